// UNets as exporters write them on the WebGPU provider, with our WGSL kernel at the sites, held to diffusers: those in f32.
// Those in f16 are in exportersF16.dawn.test.ts, for which another software driver is the better one.

import '../kernels/testing/preferSwiftShader';
import { describeOnDawn } from '../kernels/testing/dawn';
import { GPU_F32 } from './testing/bounds';
import { testOnGpu } from './testing/exportedOnGpu';

describeOnDawn('exported UNets on WebGPU, f32', (gpu) => testOnGpu(gpu, { names: ['sd-fused', 'sd-dynamo23', 'sdxl-old'], fuses: true, bound: GPU_F32 }));
