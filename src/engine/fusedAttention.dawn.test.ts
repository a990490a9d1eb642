// Fused attention on WebGPU: the known answer holds, and no buffer is as large as the tokens × tokens logits, which
// separate operators keep. Buffers are counted where ONNX Runtime asks the device for them.

import '../kernels/testing/preferSwiftShader';
import { expect, test } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import { cut, type Segment } from '../onnx/segments/cut';
import { fuseAttention } from '../onnx/passes/fuse';
import { Graph } from '../onnx/graph/graph';
import type { Model } from '../onnx/file/model';
import { attentionGraph } from '../onnx/testing/attentionGraph';
import { writeSegment } from '../onnx/segments/write';
import { knownAttention } from './attentionCheck';
import type { DeviceTensor } from './backend';
import { GpuBackend } from './gpuBackend';
import { askedInEach } from './knownAnswer';
import { loadNodeGpuRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

/** So many that the logits take more room than ONNX Runtime's sizes of buffers, which are coarse, give the rest. */
const TOKENS = 576;

describeOnDawn('attention on WebGPU', (gpu) => {
  const open = async () => new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: true });

  /** The result for x [1, TOKENS, channels], and the largest buffer that was made for it. */
  async function run(model: Model, channels: number): Promise<{ values: Float32Array; largest: number }> {
    const backend = await open();
    const [whole] = cut(new Graph(model), []) as [Segment];
    const session = await backend.createSession(writeSegment(model, whole).bytes, new Blob(), 'attention');
    const x = backend.upload(
      'float32',
      [1, TOKENS, channels],
      Float32Array.from({ length: TOKENS * channels }, (_, at) => Math.sin(at * (1 + 0.001 * at))),
    );
    let largest = 0;
    const { device } = gpu;
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      largest = Math.max(largest, descriptor.size);
      return create(descriptor);
    };
    try {
      const { out } = await session.run({ x });
      return { values: await backend.read(out as DeviceTensor), largest };
    } finally {
      device.createBuffer = create;
      await session.dispose();
    }
  }

  test('the known answer holds', async () => {
    expect((await askedInEach(await open(), knownAttention)).every(({ right }) => right)).toBe(true);
  });

  test('as MultiHeadAttention it takes less room than the logits of separate operators, and agrees', async () => {
    const logits = 4 * 4 * TOKENS * TOKENS;
    const plain = attentionGraph(4, 32);
    const [separate, fused] = [await run(plain, 32), await run(fuseAttention(plain), 32)];
    expect(separate.largest).toBeGreaterThanOrEqual(logits);
    expect(fused.largest).toBeLessThan(logits);
    expect(relativeError(fused.values, separate.values)).toBeLessThan(1e-4);
  });

  test('with one wide head, its queries in parts, it takes less room too', async () => {
    const { largest } = await run(fuseAttention(attentionGraph(1, 260)), 260);
    expect(largest).toBeLessThan(4 * TOKENS * TOKENS);
  });
});
