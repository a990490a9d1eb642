// int8 UNets on the WebGPU provider: what it makes of their weights is what the CPU makes of them.

import { expect, test } from 'vitest';
import { architectures } from '../../fixtures/architectures/golden';
import { describeOnDawn } from '../kernels/testing/dawn';
import '../kernels/testing/preferSwiftShader';
import { CpuBackend } from './cpuBackend';
import { GpuBackend } from './gpuBackend';
import { GPU_F32 } from './testing/bounds';
import { openExportedFile, predictExported } from './testing/exported';
import { loadNodeGpuRuntime, loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

describeOnDawn('int8 UNets on WebGPU', (gpu) => {
  // Of the three forms the one with scales on both axes, and int32 biases.
  test('perturbed at all sites', async () => {
    const backends = [
      new CpuBackend(await loadNodeRuntime()),
      new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false }),
    ];
    const [onCpu, onGpu] = await Promise.all(
      backends.map(async (backend) => {
        const exported = await openExportedFile('sd-int8-qdq', 'sd-dynamo', backend);
        const made = await predictExported(exported, backend, architectures.sd.sets['all'] ?? []);
        await exported.unet.dispose();
        return made;
      }),
    );
    expect(relativeError(onGpu!, onCpu!)).toBeLessThan(GPU_F32);
  });
});
