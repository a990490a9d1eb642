// Reductions in f16 whose sums are beyond f16, as a device with f16 has them.

import { expect, test } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import { GpuBackend } from './gpuBackend';
import { askedInEach } from './knownAnswer';
import { knownReductions } from './reductionCheck';
import { loadNodeGpuRuntime } from './testing/nodeRuntime';

describeOnDawn('reductions in f16', (gpu) => {
  if (!gpu.f16) {
    test.skip('SKIPPED: no f16', () => undefined);
    return;
  }
  test('the known answers hold', async () => {
    const backend = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false });
    const checks = await askedInEach(backend, knownReductions);
    expect(checks.filter(({ right }) => !right)).toEqual([]);
    expect(checks).toHaveLength(3);
  });
});
