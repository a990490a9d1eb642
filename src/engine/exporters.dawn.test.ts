// UNets as exporters write them on the WebGPU provider, with our WGSL kernel at the sites, held to diffusers; in f16
// too, where the device has it. Attention in separate operators stays so: exportersFused.dawn.test.ts has the other
// way.

import { test } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import { GPU_F16, GPU_F32 } from './testing/bounds';
import { testOnGpu } from './testing/exportedOnGpu';

describeOnDawn('exported UNets on WebGPU, f32', (gpu) =>
  testOnGpu(gpu, { names: ['sd-dynamo23', 'sdxl-old'], fuses: false, bound: GPU_F32 }),
);

describeOnDawn('exported UNets on WebGPU, f16', (gpu) => {
  const names = ['sd2-upcast16', 'lcm-baddbmm16'];
  if (gpu.f16) testOnGpu(gpu, { names, fuses: false, bound: GPU_F16 });
  else test.skip(`SKIPPED, no shader-f16: ${names.join(', ')}`, () => undefined);
});
