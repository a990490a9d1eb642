// Pictures of other sizes than the model's own, against diffusers' pipelines with PAG on the same weights
// (fixtures/checkpoints/make_sizes.py): UNets that were built of checkpoints, SDXL's with the sizes that it reads, and
// one that was exported.

import { openAsBlob } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { wholeFile } from '../../fixtures/checkpoints/pipelines';
import { sizedLatents, sizedRuns, sizedSettings, worstSizedPixel } from '../../fixtures/checkpoints/sizes';
import { INITIAL, type Settings } from '../settings/fields';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import { closeModel } from './diffusionModel';
import { generate } from './generate';
import { readModelFiles } from './modelFiles';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };

/** As in checkpointFiles.test: three steps multiply what predictions are off by the scales. */
const BOUND = 1e-4;

const open = {
  sd1: () => openFile('sd1'),
  sdxl: () => openFile('sdxl'),
  tiny: async () => openModel(backend, await readModelFiles(folder('fixtures/models/tiny')), 'tiny'),
};

async function openFile(family: 'sd1' | 'sdxl') {
  const source = { file: new File([wholeFile(family, 'F16')], 'some.safetensors'), clipUrl: '' };
  const files = await checkpointFiles(source, undefined, () => openAsBlob('public/clip/merges.txt'));
  return openModel(backend, files, family);
}

const table: string[] = [];
afterAll(() => console.info(['model · size · worst error against diffusers', ...table].join('\n')));

test.each(['sd1', 'sdxl', 'tiny'] as const)('%s makes them as diffusers does', async (family) => {
  const model = await open[family]();
  for (const golden of sizedRuns[family].filter(({ settings }) => settings.images === undefined)) {
    const settings: Settings = { ...INITIAL, compare: true, ...sizedSettings, ...golden.settings };
    const { latents, pair } = await generate(model, settings, hooks);
    const expected = sizedLatents(golden);
    // The second of a pair.
    const error = relativeError(latents.slice(-expected.length), expected);
    const { width, height } = pair.withPag;
    table.push(`${family} · ${width} × ${height} · ${error.toExponential(1)}`);
    expect([width, height]).toEqual([golden.settings.width, golden.settings.height]);
    expect(error).toBeLessThan(BOUND);
    if (golden.pictures !== undefined) expect(worstSizedPixel(golden, pair.withPag.rgba)).toBeLessThanOrEqual(1);
  }
  await closeModel(model);
});
