// Runs a graph of one convolution on a backend: through the passes and the reader that a model's file goes through, or
// without them.

import { FLOAT16, type Model } from '../../onnx/file/model';
import { writeSegment } from '../../onnx/segments/write';
import type { Backend, DeviceTensor, Session } from '../backend';
import { OnnxFile } from '../onnxFile';

const EDGE = 6;

/** out [2, outChannels, 6, 6]. */
export async function convolve(backend: Backend, graph: Model): Promise<Float32Array> {
  const file = await OnnxFile.open(new Blob([bytesOf(graph)]), 'convolution.onnx', { device: backend, openFile: null });
  return run(backend, file.graph.model, await file.session(backend, file.upTo(['out'])));
}

/** The same, where ONNX Runtime gets the graph as it is. */
export async function convolveAsItIs(backend: Backend, graph: Model): Promise<Float32Array> {
  return run(backend, graph, await backend.createSession(bytesOf(graph), new Blob(), 'convolution'));
}

function bytesOf(graph: Model): Uint8Array<ArrayBuffer> {
  return writeSegment(graph, { nodes: graph.nodes, inputs: ['x'], outputs: ['out'], sites: [] }).bytes;
}

async function run(backend: Backend, { inputs: [input] }: Model, session: Session): Promise<Float32Array> {
  const channels = Number(input?.dims?.[1]);
  const values = Float32Array.from({ length: 2 * channels * EDGE * EDGE }, (_, at) => (((at * 5) % 17) - 8) / 8);
  const x = backend.upload(input?.elemType === FLOAT16 ? 'float16' : 'float32', [2, channels, EDGE, EDGE], values);
  const { out } = await session.run({ x });
  const result = await backend.read(out as DeviceTensor);
  x.dispose();
  out?.dispose();
  await session.dispose();
  return result;
}
