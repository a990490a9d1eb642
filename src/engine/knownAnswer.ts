// Whether a device computes an operator of ONNX Runtime rightly: a graph of that operator alone, inputs, and the
// answer. Each was seen to be wrong somewhere, so nothing is left to it unchecked.

import { FLOAT, FLOAT16, type GraphNode, type Model, type ValueInfo } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import { writeSegment } from '../onnx/segments/write';
import type { DeviceCheck } from '../protocol/loaded';
import type { Backend, DeviceTensor } from './backend';

export type FloatType = 'float32' | 'float16';

export interface KnownAnswer {
  /** ONNX's name. */
  readonly operator: string;
  /** One output; no weights, so that nothing is folded before it runs. */
  readonly graph: Model;
  readonly type: FloatType;
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly answer: Float32Array;
  /** Any larger error is a wrong answer. */
  readonly bound: number;
}

/** A model of one node, of which all inputs come from outside. */
export function modelOf(
  node: GraphNode,
  type: FloatType,
  inputs: Readonly<Record<string, readonly number[]>>,
  outDims: readonly number[],
): Model {
  const elemType = type === 'float16' ? FLOAT16 : FLOAT;
  return {
    irVersion: 8,
    opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
    functions: [],
    initializers: new Map(),
    valueInfo: new Map(),
    nodes: [node],
    inputs: Object.entries(inputs).map(([name, dims]) => ({ name, elemType, dims })),
    outputs: [{ name: node.outputs[0]!, elemType, dims: outDims }],
  };
}

/** Throws what the session throws: that says nothing of the answer. */
export async function asked(backend: Backend, known: KnownAnswer): Promise<DeviceCheck> {
  const error = await worstError(backend, known);
  return {
    what: `${known.operator} in ${known.type === 'float16' ? 'f16' : 'f32'}`,
    right: error < known.bound,
    figure: `error ${error.toPrecision(2)}, at most ${known.bound}`,
  };
}

/** In each type that the backend computes in. */
export async function askedInEach(
  backend: Backend,
  known: (type: FloatType) => readonly KnownAnswer[],
): Promise<DeviceCheck[]> {
  const types = backend.f16 ? (['float32', 'float16'] as const) : (['float32'] as const);
  const checks: DeviceCheck[] = [];
  for (const answer of types.flatMap(known)) checks.push(await asked(backend, answer));
  return checks;
}

/**
 * Largest error of any element; NaN where one is not a number.
 * Throws what the session throws: that says nothing of the answer.
 */
export async function worstError(backend: Backend, { graph, type, inputs, answer }: KnownAnswer): Promise<number> {
  const names = graph.inputs.map(({ name }) => name);
  const output = graph.outputs[0]?.name ?? '';
  const { bytes } = writeSegment(graph, { nodes: graph.nodes, inputs: names, outputs: [output], sites: [] });
  const session = await backend.createSession(bytes, new Blob(), `a check of ${graph.nodes[0]?.opType}`);
  const feeds = Object.fromEntries(
    graph.inputs.map((info) => [info.name, backend.upload(type, sizes(info), inputs[info.name] ?? [])]),
  );
  let results: Readonly<Record<string, DeviceTensor>> = {};
  try {
    results = await session.run(feeds);
    const actual = await backend.read(results[output]!);
    return answer.reduce((worst, value, at) => Math.max(worst, Math.abs(value - (actual[at] ?? NaN))), 0);
  } finally {
    for (const tensor of [...Object.values(feeds), ...Object.values(results)]) tensor.dispose();
    await session.dispose();
  }
}

function sizes({ dims }: ValueInfo): number[] {
  return (dims ?? []).map(Number);
}
