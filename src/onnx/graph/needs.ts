// What a graph asks of a device: multiply-accumulates, and of its memory bytes of its weights, its largest weight, the
// largest tensor that it makes on the way, and whether it computes in f16. Counted on the graph as it will run: one
// that was widened for a device without f16 has f32 where its file has f16, so nothing has to be doubled here.

import type { Facts } from './facts';
import { factsAt } from './factsOf';
import { operatorOf } from '../operators/table';
import type { PartialValues } from '../operators/values';
import {
  BOOL,
  DOUBLE,
  FLOAT16,
  INT64,
  INT8,
  UINT8,
  usedLength,
  type Model,
  type GraphNode,
  type Tensor,
} from '../file/model';

export interface GraphNeeds {
  /** Of all weights, as they lie in memory when the graph runs. */
  readonly weightBytes: number;
  readonly largestWeight: number;
  /** Of the largest tensor that enters, leaves or lies between; 0 where no shape is known. */
  readonly largestTensor: number;
  readonly half: boolean;
}

const SIZES: ReadonlyMap<number, number> = new Map([
  [FLOAT16, 2],
  [INT64, 8],
  [DOUBLE, 8],
  [BOOL, 1],
  [INT8, 1],
  [UINT8, 1],
]);

/** Whether anything is computed in f16. Weights that are only kept so, with a Cast behind each, do not count. */
export function usesFloat16(model: Model): boolean {
  return (
    [...model.inputs, ...model.outputs].some((info) => info.elemType === FLOAT16) ||
    model.nodes.some(
      (node) =>
        node.opType !== 'Cast' && node.inputs.some((name) => model.initializers.get(name)?.dataType === FLOAT16),
    )
  );
}

/**
 * Pure; tensors whose size is not known are left out.
 * @param inputDims sizes that the inputs will have in a run, by name.
 */
export function graphNeeds(model: Model, inputDims: ReadonlyMap<string, readonly number[]>): GraphNeeds {
  const { shapes, types, weights } = factsAt(model, inputDims);
  const sizes = weightSizes(model);
  let largestTensor = 0;
  const weigh = (name: string) => {
    if (!name || weights.has(name)) return;
    const count = elements(shapes.get(name));
    largestTensor = Math.max(largestTensor, count * bytesPerElement(types.get(name)));
  };
  for (const input of model.inputs) weigh(input.name);
  for (const node of model.nodes) for (const output of node.outputs) weigh(output);
  return {
    weightBytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    largestWeight: sizes.reduce((most, bytes) => Math.max(most, bytes), 0),
    largestTensor,
    half: usesFloat16(model),
  };
}

/** Multiply-accumulates of one node; null where a size that they need is not known. */
export function multiplyAccumulates(node: GraphNode, { shapes }: Facts): number | null {
  const dims = (value: string | undefined) => {
    // What is not known of a first axis is rows, which exporters carry through Expand and Where: here one.
    const sizes = shapes.get(value ?? '')?.map((dim, axis) => dim ?? (axis === 0 ? 1 : null));
    return sizes?.every((dim) => dim !== null) ? sizes : null;
  };
  const { cost } = operatorOf(node);
  return cost ? cost(node, dims) : 0;
}

/** In memory. A weight that only Casts read is cast when the session is built, and is then what they make of it. */
function weightSizes(model: Model): number[] {
  /** The type that a weight is cast to; null where something else reads it. */
  const castTo = new Map<string, number | null>();
  for (const node of model.nodes) {
    const to = node.opType === 'Cast' ? (node.attributes.get('to')?.i ?? null) : null;
    for (const name of node.inputs) {
      if (model.initializers.has(name)) castTo.set(name, castTo.has(name) && castTo.get(name) !== to ? null : to);
    }
  }
  return [...model.initializers].map(([name, weight]) => {
    const to = castTo.get(name) ?? null;
    if (to !== null) return elements(weight.dims) * bytesPerElement(to);
    return weight.range ? usedLength(weight.range) : storedBytes(weight);
  });
}

/** Of a weight as it lies in its file. */
export function storedBytes({ range, raw, encoded }: Tensor): number {
  return range?.length ?? raw?.length ?? encoded?.length ?? 0;
}

/** 0 where a size is not known. */
function elements(dims: PartialValues | undefined): number {
  return dims?.reduce<number>((product, dim) => product * Math.max(0, dim ?? 0), 1) ?? 0;
}

/** Four for f32 and int32, and for what no type is known of. */
function bytesPerElement(type: number | undefined): number {
  return SIZES.get(type ?? 0) ?? 4;
}
