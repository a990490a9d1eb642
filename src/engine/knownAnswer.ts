// Whether a device computes an operator of ONNX Runtime rightly: a graph of that operator alone, inputs, and the
// answer. Each was seen to be wrong somewhere, so nothing is left to it unchecked.

import type { Model, ValueInfo } from '../onnx/file/model';
import { writeSegment } from '../onnx/segments/write';
import type { Backend, DeviceTensor, ElemType } from './backend';

export interface KnownAnswer {
  /** One output; no weights, so that nothing is folded before it runs. */
  readonly graph: Model;
  readonly type: ElemType;
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly answer: Float32Array;
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
