// UNets as exporters write them on the WebGPU provider in f16, where the device has it, held to diffusers.

import { test } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import { GPU_F16 } from './testing/bounds';
import { testOnGpu } from './testing/exportedOnGpu';

describeOnDawn('exported UNets on WebGPU, f16', (gpu) => {
  // lavapipe takes a minute to compile ONNX Runtime's MultiHeadAttention: there attention stays in separate operators.
  const slow = gpu.adapter.info.description.includes('llvmpipe');
  if (slow) console.warn('\n⚠ MultiHeadAttention in f16 is NOT run on lavapipe, which takes a minute to compile it.\n');
  const names = ['sd2-upcast16', 'lcm-baddbmm16', ...(slow ? [] : ['sd-packed16', 'sdxl-packed16'])];
  if (gpu.f16) testOnGpu(gpu, { names, fuses: !slow, bound: GPU_F16 });
  else test.skip(`SKIPPED, no shader-f16: ${names.join(', ')}`, () => undefined);
});
