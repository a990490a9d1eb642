// The cut UNet on the WebGPU provider with our WGSL kernel at the sites: on Dawn in Node, held to the same
// independently edited graph as the CPU. f16 too, where the device has it.

import { beforeAll, expect, test } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import { GpuBackend } from './gpuBackend';
import { loadNodeGpuRuntime } from './testing/nodeRuntime';
import { goldenRow, openGoldenUnet, predictRows, relativeError } from './testing/unetChecks';

const FORK = [
  { source: 0, identity: 0 },
  { source: 1, identity: 0 },
  { source: 1, identity: 1 },
];

describeOnDawn('the cut UNet on WebGPU', (gpu) => {
  let backend: GpuBackend;

  beforeAll(async () => {
    backend = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false });
  });

  // f32 in another order than the CPU's; f16 rounds every intermediate to 11 bits.
  test.each([
    ['tiny', 'mid', 1e-4],
    ['tiny', 'all', 1e-4],
    ['tiny', 'u0', 1e-4],
    ['pocket', 'all', 1e-4],
    ...(gpu.f16
      ? ([
          ['tiny-f16', 'mid', 2e-2],
          ['tiny-f16', 'all', 2e-2],
        ] as const)
      : []),
  ] as const)('%s forked at %s equals the edited graph', async (id, key, bound) => {
    const opened = await openGoldenUnet(id, backend);
    const { golden } = opened;
    const sites = golden.predictions.get(key)?.sites ?? [];
    const [uncond, cond, perturbed] = await predictRows(opened, backend, sites, [0, 1], FORK);
    const errors = [
      relativeError(uncond as Float32Array, goldenRow(golden, 'none', 0)),
      relativeError(cond as Float32Array, goldenRow(golden, 'none', 1)),
      relativeError(perturbed as Float32Array, goldenRow(golden, key, 1)),
    ];
    expect(Math.max(...errors), errors.join(' ')).toBeLessThan(bound);
    expect(relativeError(perturbed as Float32Array, cond as Float32Array)).toBeGreaterThan(2 * bound);
    await opened.unet.dispose();
  });
});
