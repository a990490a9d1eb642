// What must hold of an exported UNet on WebGPU, in f32 and in f16. Pipelines take long to compile on software drivers,
// so each is cut once, at every site, and run as a step is: two plain rows, and a perturbed one that forks off.

import { beforeAll, expect, test } from 'vitest';
import { architectures, predictionOf } from '../../../fixtures/architectures/golden';
import type { DawnGpu } from '../../kernels/testing/dawn';
import { GpuBackend } from '../gpuBackend';
import { openExported, predictExported } from './exported';
import { loadNodeGpuRuntime } from './nodeRuntime';
import { relativeError } from './unetChecks';

const FORK = [
  { source: 0, identity: 0 },
  { source: 1, identity: 0 },
  { source: 1, identity: 1 },
];

interface GpuChecks {
  readonly names: readonly string[];
  /** Whether attention is left to ONNX Runtime's MultiHeadAttention. */
  readonly fuses: boolean;
  readonly bound: number;
}

/** In a block of `describeOnDawn`. */
export function testOnGpu(gpu: DawnGpu, { names, fuses, bound }: GpuChecks): void {
  let backend: GpuBackend;

  beforeAll(async () => {
    backend = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: fuses });
  });

  test.each(names)('%s, perturbed at no site, at one and at all, predicts what diffusers does', async (name) => {
    const exported = await openExported(name, backend);
    const { sites, sets } = architectures[exported.info.architecture];
    expect(exported.unet.sites.map((site) => ({ name: site.name, heads: site.heads }))).toEqual(sites);
    const golden = (set: string) => predictionOf(name, set, exported.file.widened ? 'rounded' : 'native');
    const mid = sites.find((site) => site.name.startsWith('mid'))?.name ?? '';
    for (const set of [mid, 'all']) {
      const made = await predictExported(exported, backend, sets[set] ?? [], sets['all'], FORK);
      const size = made.length / FORK.length;
      const plain = relativeError(made.subarray(0, 2 * size), golden('none'));
      const perturbed = relativeError(made.subarray(2 * size), golden(set).subarray(size));
      const effect = relativeError(golden(set), golden('none'));
      console.info(
        `${name} · ${set} · plain ${plain.toExponential(1)} ` +
          `· perturbed ${perturbed.toExponential(1)} of ${effect.toFixed(2)}`,
      );
      expect(Math.max(plain, perturbed), set).toBeLessThan(bound);
      expect(effect, `${set} matters`).toBeGreaterThan(5 * bound);
    }
    await exported.unet.dispose();
  });
}
