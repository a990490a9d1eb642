// Runs that start from an image against diffusers' img2img pipelines with PAG (fixtures/start/make_start.py): the
// latents at the end and the picture, from the picture's pixels on. So the resizing, the encoder, the order of draws,
// the noise of the first step that is run, and what a scheduler makes of beginning there all have to be right.

import { openAsBlob } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { commonSettings, wholeFile, worstPixel, type FamilyName } from '../../fixtures/checkpoints/pipelines';
import { fewLatentsOf, runs, startBytes, startPicture, startSettings } from '../../fixtures/start/start';
import type { StartImage } from '../protocol/pictureData';
import { INITIAL, type Settings } from '../settings/fields';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import { closeModel, type DiffusionModel } from './diffusionModel';
import { generate } from './generate';
import { KeptRuns } from './keptRuns';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
const picture = startPicture();
const START: StartImage = { ...picture, hash: 'one', rgb: new Blob([picture.rgb]) };

async function open(family: FamilyName): Promise<DiffusionModel> {
  const file = new File([wholeFile(family, 'F16')], 'some.safetensors');
  const files = await checkpointFiles({ file, clipUrl: '' }, undefined, () => openAsBlob('public/clip/merges.txt'));
  return openModel(backend, files, family);
}

const models = { sd1: await open('sd1'), sdxl: await open('sdxl') };
afterAll(() => Promise.all(Object.values(models).map(closeModel)));

function run(
  changes: Partial<Settings>,
  {
    of = 'sd1',
    start = START,
    kept = null,
    seeds = 1,
  }: { of?: 'sd1' | 'sdxl'; start?: StartImage; kept?: KeptRuns | null; seeds?: number } = {},
) {
  const settings = { ...INITIAL, compare: false, ...startSettings, startFit: 'stretch', ...changes } as const;
  const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
  return generate(models[of], settings, hooks, { kept, seeds, start });
}

/** As of text alone (`schedulers.test.ts`): relative to the largest latent. */
const BOUND = 1e-4;

const table: string[] = [];
afterAll(() => console.info(['family · scheduler · strength · worst error against diffusers', ...table].join('\n')));

// npx vitest run --project unit src/engine/startImage.test.ts
describe('latents are those of diffusers', () => {
  for (const golden of runs)
    test(`${golden.family}, ${golden.scheduler}, strength ${golden.strength}`, async () => {
      const { scheduler, strength } = golden;
      const { latents, pair } = await run({ scheduler, strength }, { of: golden.family as 'sd1' | 'sdxl' });
      const few = latents.filter((_, at) => at % 4 === 0);
      const error = relativeError(few, fewLatentsOf(golden));
      table.push([golden.family, scheduler, strength, error.toExponential(1)].join(' · '));
      expect(error).toBeLessThan(BOUND);
      if (golden.picture !== undefined)
        expect(worstPixel(golden, pair.withPag.rgba, startBytes)).toBeLessThanOrEqual(1);
    });
});

test('each image of a pair is the one made alone, and a kept one is taken where PAG alone differs', async () => {
  const changes = { scheduler: 'euler-a', strength: 0.5, compare: true } as const;
  const both = await run(changes);
  const half = both.latents.length / 2;
  expect(both.plan.steps).toBe(5);
  expect(both.latents.slice(half)).toEqual((await run({ ...changes, compare: false })).latents);
  expect(both.latents.slice(0, half)).toEqual((await run({ ...changes, compare: false, pagScale: 0 })).latents);
  const moved = { ...changes, pagScale: 4 };
  const kept = new KeptRuns();
  kept.add(both.made);
  const again = await run(moved, { kept });
  expect(again.stats.keptWithoutPag).toBe(true);
  expect(again.latents).toEqual((await run(moved)).latents);
});

test('several images have each its own sample and noise', async () => {
  const changes = { scheduler: 'euler-a', strength: 0.2, compare: true } as const;
  const { seed } = startSettings;
  const both = await run(changes, { seeds: 2 });
  const alone = [await run(changes), await run({ ...changes, seed: seed + 1 })];
  expect(both.pairs).toEqual(alone.map(({ pair }) => pair));
});

test('another picture of the same hash is not looked at: it is encoded once', async () => {
  const first = await run({ strength: 0.3 });
  const rgb = { arrayBuffer: () => Promise.reject(new Error('read')) } as unknown as Blob;
  expect((await run({ strength: 0.3 }, { start: { ...START, rgb } })).latents).toEqual(first.latents);
  await expect(run({ strength: 0.3 }, { start: { ...START, hash: 'two', rgb } })).rejects.toThrow('read');
});

test('a strength that leaves no step, and a model without an encoder, are said', async () => {
  await expect(run({ strength: 0.09 })).rejects.toMatchObject({
    code: 'start-impossible',
    message: expect.stringContaining('Raise the strength to 0.1 or more') as string,
  });
  const blind = { ...models.sd1, vaeEncoder: null };
  const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
  const settings = { ...INITIAL, ...commonSettings };
  await expect(generate(blind, settings, hooks, { start: START })).rejects.toMatchObject({ code: 'start-impossible' });
});
