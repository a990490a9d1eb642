// A segment made for the sizes of its inputs: what follows from sizes alone (targets of Reshapes, scale factors) is a
// constant, what then changes nothing (an Expand to the same shape, a Cast to the same type) is gone, and integers that
// are inputs (a timestep) come as floats, since ONNX Runtime keeps integers on the CPU. Then every node may run on the
// GPU, which is what capturing a session asks for.

import { living } from '../graph/living';
import { firstFacts, learn, type GrowingFacts } from '../graph/facts';
import { factsOf } from '../graph/factsOf';
import { withInputs } from '../file/makeNode';
import { FLOAT, FLOAT16, INT32, INT64, type GraphNode, type Model, type Tensor } from '../file/model';
import { readsOf } from '../file/order';
import type { Segment } from './cut';

export interface Specialised {
  /** A model with the segment's inputs, and the values that its outputs are made of, all with their sizes. */
  readonly model: Model;
  readonly segment: Segment;
  /** By the segment's outputs. */
  readonly outputs: ReadonlyMap<string, SizedOutput>;
}

/**
 * An output has the numbers of `source` in these sizes: what gives a value another shape alone is left out at the end.
 * ONNX Runtime copies there instead of computing, which a recording does not hold.
 */
export interface SizedOutput {
  readonly source: string;
  readonly dims: readonly number[];
}

const FLOATS = new Set([FLOAT, FLOAT16]);
/** Give the same numbers another shape. */
const RESHAPING = new Set(['Identity', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten']);
/** Take a value as it is, whatever its type is. */
const MOVING = new Set(['Identity', 'Reshape', 'Unsqueeze', 'Squeeze', 'Expand', 'Flatten', 'Gather', 'Slice', 'Tile']);

/**
 * Pure. null where a size does not follow, an integer input is reckoned with, an output is no float, or a node has a
 * graph of its own.
 * @param inputDims sizes of the segment's inputs, by name.
 */
export function specialise(
  model: Model,
  segment: Segment,
  inputDims: ReadonlyMap<string, readonly number[]>,
): Specialised | null {
  if (segment.nodes.some((node) => node.captured.length > 0)) return null;
  const declared = factsOf(model).types;
  const types = new Map(segment.inputs.map((name) => [name, floatFor(declared.get(name) ?? FLOAT)]));
  const floats = new Set(segment.inputs.filter((name) => types.get(name) !== declared.get(name)));
  const facts = firstFacts(
    {
      initializers: model.initializers,
      inputs: segment.inputs.map((name) => ({ name, elemType: types.get(name)!, dims: inputDims.get(name) ?? null })),
    },
    new Map(),
  );
  const asked = new Set(segment.outputs);
  /** What stands for a value that is gone. */
  const alias = new Map<string, string>();
  const constants = new Map<string, Tensor>();
  const kept: GraphNode[] = [];
  for (const node of segment.nodes) {
    learn(facts, node, model.valueInfo);
    const [output = ''] = node.outputs;
    if (node.inputs.some((name) => floats.has(name))) {
      if (node.opType === 'Cast' && node.outputs.length === 1) facts.types.set(output, node.attributes.get('to')!.i);
      else if (MOVING.has(node.opType) && floats.has(node.inputs[0]!)) {
        facts.types.set(output, FLOAT);
        floats.add(output);
      } else return null;
    }
    const constant = constantOf(output, facts);
    if (constant && node.outputs.length === 1 && !asked.has(output)) {
      constants.set(output, constant);
      continue;
    }
    if (!asked.has(output) && changesNothing(node, facts))
      alias.set(output, alias.get(node.inputs[0]!) ?? node.inputs[0]!);
    else kept.push(node);
  }
  const renamed = kept.map((node) => {
    const inputs = node.inputs.map((name) => alias.get(name) ?? name);
    return inputs.some((name, index) => name !== node.inputs[index]) ? withInputs(node, inputs) : node;
  });
  const makers = new Map(renamed.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const outputs = new Map<string, SizedOutput>();
  for (const name of segment.outputs) {
    const dims = wholeDims(facts.shapes.get(name));
    if (!dims || !FLOATS.has(facts.types.get(name) ?? 0)) return null;
    let source = name;
    for (let maker = makers.get(name); maker && RESHAPING.has(maker.opType); maker = makers.get(source))
      source = maker.inputs[0]!;
    if (!makers.has(source)) return null;
    outputs.set(name, { source, dims });
  }
  const sources = [...new Set([...outputs.values()].map(({ source }) => source))];
  const nodes = living(renamed, sources);
  const read = new Set(nodes.flatMap(readsOf));
  const inputs = segment.inputs.filter((name) => read.has(name));
  const info = (name: string, dims: readonly number[] | undefined) => ({
    name,
    elemType: facts.types.get(name) ?? FLOAT,
    dims: dims ?? null,
  });
  return {
    model: {
      ...model,
      initializers: new Map([...model.initializers, ...constants]),
      inputs: inputs.map((name) => info(name, inputDims.get(name))),
      outputs: sources.map((name) => info(name, wholeDims(facts.shapes.get(name)) ?? undefined)),
      nodes,
    },
    segment: { ...segment, nodes, inputs, outputs: sources },
    outputs,
  };
}

function floatFor(type: number): number {
  return type === INT64 || type === INT32 ? FLOAT : type;
}

/** Where every entry of a value follows from sizes and constants. */
function constantOf(name: string, { values, shapes, types }: GrowingFacts): Tensor | null {
  const entries = values.get(name);
  const dims = wholeDims(shapes.get(name));
  if (!entries || !dims || !entries.every((entry) => entry !== null)) return null;
  const dataType = types.get(name) ?? 0;
  const raw = rawOf(dataType, entries);
  return raw && { name, dims, dataType, raw: new Uint8Array(raw.buffer), range: null, encoded: null };
}

function rawOf(dataType: number, entries: readonly number[]) {
  // The end of any axis in a Slice is no number here.
  if (dataType === INT64) return entries.every(Number.isSafeInteger) ? BigInt64Array.from(entries, BigInt) : null;
  if (dataType === INT32) return Int32Array.from(entries);
  return dataType === FLOAT ? Float32Array.from(entries) : null;
}

function changesNothing(node: GraphNode, { shapes, types, values }: GrowingFacts): boolean {
  const [input = '', output = ''] = [node.inputs[0], node.outputs[0]];
  if (types.get(input) !== types.get(output)) return false;
  if (node.opType === 'Cast' || node.opType === 'Identity') return true;
  // Blocks of UNets divide by a factor that is 1 in most.
  const byOne = node.opType === 'Div' && (values.get(node.inputs[1] ?? '') ?? [null]).every((factor) => factor === 1);
  if (!byOne && node.opType !== 'Expand' && node.opType !== 'Reshape') return false;
  const [from, to] = [wholeDims(shapes.get(input)), wholeDims(shapes.get(output))];
  return from !== null && from.length === to?.length && from.every((dim, axis) => dim === to[axis]);
}

function wholeDims(dims: readonly (number | null)[] | undefined): readonly number[] | null {
  return dims?.every((dim) => dim !== null) ? dims : null;
}
