// A GPU that is wrong in f16 alone is taken without it, and says so.

import { expect, test, vi } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import type { DeviceTensor } from './backend';
import { GpuBackend } from './gpuBackend';
import { GpuWaits } from './gpuWaits';
import { openGpu } from './openGpu';
import { loadNodeGpuRuntime } from './testing/nodeRuntime';

// Its shaders take a software driver longest, and it is not what is asked here.
vi.mock('./attentionCheck', () => ({ knownAttention: () => [] }));

describeOnDawn('a GPU that is asked', (gpu) => {
  if (!gpu.f16) {
    test.skip('SKIPPED: no f16', () => undefined);
    return;
  }
  test('and is wrong in f16 computes in f32', async () => {
    vi.stubGlobal('navigator', { gpu: gpu.instance, hardwareConcurrency: 1 });
    const { read } = GpuBackend.prototype;
    vi.spyOn(GpuBackend.prototype, 'read').mockImplementation(async function (this: GpuBackend, tensor: DeviceTensor) {
      const values = await read.call(this, tensor);
      return tensor.type === 'float16' ? values.map((value) => value + 1) : values;
    });
    const opened = await openGpu(await loadNodeGpuRuntime(gpu.instance), new GpuWaits(() => {}));
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    if (typeof opened === 'string') throw new Error(opened);
    const { instance, info } = opened;
    const wrong = ['Conv', 'ReduceMean', 'LayerNormalization', 'InstanceNormalization'].map((name) => `${name} in f16`);
    expect([instance.f16, info.f16]).toEqual([false, false]);
    expect(info.wrongOperators.slice(0, 4)).toEqual(wrong);
    expect(info.facts?.workedRound[0]).toBe(`${wrong.join(', ')}: everything in f32`);
    const checks = info.facts?.checks.map(({ what, right }) => `${what} ${right}`);
    expect(checks?.slice(0, 6)).toEqual([
      'Conv in f32 true',
      ...wrong.map((what) => `${what} false`),
      'Conv in f32 true',
    ]);
    await instance.dispose();
  });
});
