// Attention in the forms that it is rewritten to gives what it gave as separate operators.

import { expect, test } from 'vitest';
import { cut, type Segment } from '../onnx/segments/cut';
import { fuseAttention } from '../onnx/passes/fuse';
import { Graph } from '../onnx/graph/graph';
import type { Model } from '../onnx/file/model';
import { attentionGraph } from '../onnx/testing/attentionGraph';
import { writeSegment } from '../onnx/segments/write';
import type { DeviceTensor } from './backend';
import { CpuBackend } from './cpuBackend';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());

async function run(model: Model, tokens: number, channels: number): Promise<Float32Array> {
  const [whole] = cut(new Graph(model), []) as [Segment];
  const session = await backend.createSession(writeSegment(model, whole).bytes, new Blob());
  const dims = [2, tokens, channels];
  const x = backend.upload(
    'float32',
    dims,
    Float32Array.from({ length: 2 * tokens * channels }, (_, at) => Math.sin(at * (1 + 0.001 * at))),
  );
  const { out } = await session.run({ x });
  expect(out?.dims).toEqual(dims);
  const values = await backend.read(out as DeviceTensor);
  await session.dispose();
  return values;
}

test.each([
  ['MultiHeadAttention', 4, 128, 64],
  ['sixteen parts of the queries', 1, 288, 64],
  ['parts that are not all of one size', 1, 288, 37],
])('%s', async (_, heads, channels, tokens) => {
  const plain = attentionGraph(heads, channels);
  const fused = fuseAttention(plain);
  expect(fused).not.toBe(plain);
  expect(relativeError(await run(fused, tokens, channels), await run(plain, tokens, channels))).toBeLessThan(1e-5);
});
