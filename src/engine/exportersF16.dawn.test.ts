// UNets as exporters write them on the WebGPU provider in f16, where the device has it, held to diffusers.

import { describeOnDawn } from '../kernels/testing/dawn';
import { GPU_F16 } from './testing/bounds';
import { testOnGpu } from './testing/exportedOnGpu';

describeOnDawn('exported UNets on WebGPU, f16', (gpu) => testOnGpu(gpu, gpu.f16 ? ['sd2-upcast16', 'lcm-baddbmm16', 'sd-packed16'] : [], GPU_F16));
