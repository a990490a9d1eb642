// 3×3 convolutions on WebGPU with numbers of channels that ONNX Runtime gets wrong as they are, in the form in which
// graphs run there.

import '../kernels/testing/preferSwiftShader';
import { expect, test } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import { FLOAT, FLOAT16 } from '../onnx/file/model';
import { convolutionGraph } from '../onnx/testing/convolutionGraph';
import { knownConvolutions } from './convolutionCheck';
import { CpuBackend } from './cpuBackend';
import { GpuBackend } from './gpuBackend';
import { askedInEach } from './knownAnswer';
import { convolve } from './testing/convolve';
import { loadNodeGpuRuntime, loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

describeOnDawn('a 3×3 convolution', (gpu) => {
  test.each([6, 9, 15, 27, 66])('of %d channels is what it is on the CPU', async (channels) => {
    const backend = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false });
    const expected = await convolve(new CpuBackend(await loadNodeRuntime()), convolutionGraph(channels, FLOAT));
    expect(relativeError(await convolve(backend, convolutionGraph(channels, FLOAT)), expected)).toBeLessThan(1e-5);
    if (!backend.f16) return;
    // Sums of up to 600 products, each rounded to 11 bits.
    expect(relativeError(await convolve(backend, convolutionGraph(channels, FLOAT16)), expected)).toBeLessThan(1e-2);
  });

  test('the known answer holds', async () => {
    const backend = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false });
    expect((await askedInEach(backend, knownConvolutions)).every(({ right }) => right)).toBe(true);
  });
});
