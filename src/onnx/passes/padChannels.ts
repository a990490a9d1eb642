// Convolutions whose input channels are a multiple of 3, not of 4, and more than 3 get zero channels up to a multiple
// of 4, in the input and in the weight: ONNX Runtime's WebGPU provider (1.30) computes them wrongly as they are, by
// more than 1 relative, on every driver (6, 9, 15 … 66 were tried; kernels of one element are right). The zeros change
// no sum. An inpainting UNet's first convolution has 9.

import { factsOf } from '../graph/factsOf';
import { int64s, makeNode, withInputs } from '../file/makeNode';
import type { Model, GraphNode, Tensor } from '../file/model';
import { fields, text, type WireField } from '../file/protobuf';

const WIDTH = 4;
const CONVOLUTIONS = new Set(['Conv', 'FusedConv']);
/** Since then Pad takes its sizes as an input. */
const PADS_AS_INPUT = 11;

/** Pure. Weights in files are padded as they are read. */
export function padChannels(model: Model): Model {
  /** Also behind a Cast. */
  const weightDims = (name: string) => model.initializers.get(name)?.dims ?? factsOf(model).weights.get(name);
  const added = new Map<string, Tensor>();
  const replaced = new Set<string>();
  const padded = new Map<string, string>();
  const nodes = model.nodes.flatMap((node) => {
    const [input = '', weight = '', ...others] = node.inputs;
    const dims = CONVOLUTIONS.has(node.opType) ? weightDims(weight) : undefined;
    const channels = dims ? channelsOf(node, dims) : 0;
    if (!dims || !isWrong(channels)) return [node];
    const zeros = WIDTH - (channels % WIDTH);
    const made: GraphNode[] = [];
    const pad = (value: string, rank: number) => {
      const known = padded.get(value);
      if (known !== undefined) return known;
      const to = `${value}.padded`;
      made.push(padNode(model, added, { value, to, rank, zeros }));
      padded.set(value, to);
      return to;
    };
    const tensor = model.initializers.get(weight);
    const wide = tensor ? withZeros(tensor, zeros) : null;
    if (wide) {
      added.set(wide.name, wide);
      replaced.add(weight);
    }
    const inputs = [pad(input, dims.length), wide?.name ?? pad(weight, dims.length), ...others];
    return [...made, withInputs(node, inputs)];
  });
  if (padded.size === 0) return model;
  const read = new Set(nodes.flatMap((node) => [...node.inputs, ...node.captured]));
  const kept = [...model.initializers].filter(([name]) => !replaced.has(name) || read.has(name));
  return { ...model, nodes, initializers: new Map([...kept, ...added]) };
}

/** Channels that a convolution sums over; 0 where its kernel has one element, or its channels are in groups. */
function channelsOf({ attributes }: GraphNode, [, channels = 0, ...kernel]: readonly number[]): number {
  return (attributes.get('group')?.i ?? 1) === 1 && kernel.some((size) => size > 1) ? channels : 0;
}

function isWrong(channels: number): boolean {
  return channels > 3 && channels % 3 === 0 && channels % WIDTH !== 0;
}

/**
 * A weight [out, channels, …kernel] with more channels;
 * null where its numbers are in typed fields, or not as many as it says.
 */
function withZeros(tensor: Tensor, zeros: number): Tensor | null {
  const {
    name,
    dims: [out = 0, channels = 0, ...kernel],
    raw,
    range,
  } = tensor;
  const wide = { ...tensor, name: `${name}.padded`, dims: [out, channels + zeros, ...kernel] };
  const every = (range?.length ?? raw?.length ?? 0) / out;
  const padding = { every, zeros: (every / channels) * zeros };
  if (!Number.isInteger(every / channels)) return null;
  if (range) return { ...wide, range: { ...range, padding } };
  if (!raw) return null;
  const bytes = new Uint8Array(out * (every + padding.zeros));
  for (let at = 0; at < out; at += 1) {
    bytes.set(raw.subarray(at * every, (at + 1) * every), at * (every + padding.zeros));
  }
  return { ...wide, raw: bytes };
}

interface Padding {
  readonly value: string;
  readonly to: string;
  readonly rank: number;
  /** Behind the last of the second axis. */
  readonly zeros: number;
}

function padNode(model: Model, added: Map<string, Tensor>, { value, to, rank, zeros }: Padding): GraphNode {
  const pads = Array.from({ length: 2 * rank }, (_, at) => (at === rank + 1 ? zeros : 0));
  if (opsetOf(model) < PADS_AS_INPUT) {
    return makeNode({ name: to, opType: 'Pad' }, [value], [to], { pads: { ints: pads } });
  }
  added.set(`${to}.pads`, int64s(`${to}.pads`, pads));
  return makeNode({ name: to, opType: 'Pad' }, [value, `${to}.pads`], [to]);
}

/** Of ONNX's own operators. OperatorSetIdProto: domain (1), version (2). */
function opsetOf({ opsets }: Model): number {
  for (const opset of opsets) {
    const all: readonly WireField[] = [...fields(opset)];
    const domain = all.find(({ number }) => number === 1);
    if (!domain || text(domain) === '') return Number(all.find(({ number }) => number === 2)?.value ?? 0);
  }
  return 0;
}
