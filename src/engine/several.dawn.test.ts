// Two images of one run at a size that is not square, recorded and replayed on Dawn in Node, as the CPU makes them.

import { expect, test } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import { INITIAL, type Settings } from '../settings/fields';
import type { Backend } from './backend';
import { CpuBackend } from './cpuBackend';
import { closeModel } from './diffusionModel';
import { generate } from './generate';
import { GpuBackend } from './gpuBackend';
import { readModelFiles } from './modelFiles';
import { folder } from './testing/folder';
import { loadNodeGpuRuntime, loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const settings: Settings = {
  ...INITIAL,
  prompt: 'red apple',
  scheduler: 'euler-a',
  steps: 2,
  layers: 'mid',
  width: 48,
  height: 24,
  images: 2,
};

async function run(backend: Backend) {
  const model = await openModel(backend, await readModelFiles(folder('fixtures/models/tiny')), 'tiny');
  const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
  const { latents, pairs } = await generate(model, settings, hooks, { seeds: settings.images });
  await closeModel(model);
  return { latents, sizes: pairs.map(({ withPag: { width, height } }) => [width, height]) };
}

describeOnDawn('several images', (gpu) => {
  test('are those of the CPU, at their size', async () => {
    const options = { fusesAttention: false, captures: true };
    const onGpu = await run(new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, options));
    const onCpu = await run(new CpuBackend(await loadNodeRuntime()));
    expect(onGpu.sizes).toEqual([
      [48, 24],
      [48, 24],
    ]);
    // Two steps of CFG 3 and PAG 3 multiply the 1e-5 of each forward.
    expect(relativeError(onGpu.latents, onCpu.latents)).toBeLessThan(1e-3);
  });
});
