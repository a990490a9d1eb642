// Attention that is left to ONNX Runtime's MultiHeadAttention on WebGPU: one operator, packed or with a bias, or fused
// by us. In a file of its own for the sake of the software driver that compiles that operator soonest. Software drivers
// run it in the smallest graphs, held to PyTorch; a GPU runs whole UNets too, those in packed f16 among them, held to
// diffusers.

import '../kernels/testing/preferSwiftShader';
import { beforeAll, describe, expect, test } from 'vitest';
import { attentionGolden } from '../../fixtures/attention/golden';
import { describeOnDawn } from '../kernels/testing/dawn';
import { GpuBackend } from './gpuBackend';
import { GPU_F16, GPU_F32 } from './testing/bounds';
import { testOnGpu } from './testing/exportedOnGpu';
import { formErrors, openForm } from './testing/forms';
import { loadNodeGpuRuntime } from './testing/nodeRuntime';

const FORMS = ['scores-mul', 'multi-packed', 'fused-bias', 'standard-3d'];

describeOnDawn('fused attention on WebGPU', (gpu) => {
  const isSoftware = /llvmpipe|SwiftShader/.test(gpu.adapter.info.description);
  let backend: GpuBackend;

  beforeAll(async () => {
    backend = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: true });
  });

  test.each(FORMS)('%s: cut or not it gives what PyTorch gives, and with V in its place too', async (name) => {
    const unet = await openForm(name, backend, true);
    for (const [run, error] of Object.entries(await formErrors(unet, backend, attentionGolden.taken[name] ?? '')))
      expect(error, run).toBeLessThan(GPU_F32);
    await unet.dispose();
  });

  if (isSoftware) {
    const why = 'a software driver takes a minute to compile fused attention of whole UNets';
    console.warn(`\n⚠ sd-fused, sd-packed16 and sdxl-packed16 are NOT run on WebGPU: ${why}.\n`);
    test.skip(`SKIPPED, ${why}`, () => undefined);
  } else describe('f32', () => testOnGpu(gpu, { names: ['sd-fused'], fuses: true, bound: GPU_F32 }));
  if (!isSoftware && gpu.f16)
    describe('f16', () => testOnGpu(gpu, { names: ['sd-packed16', 'sdxl-packed16'], fuses: true, bound: GPU_F16 }));
});
