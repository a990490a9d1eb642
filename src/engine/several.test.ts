// Several images of one run: each bit by bit what a run of its own seed makes, and what diffusers makes with a
// generator each (fixtures/checkpoints/make_sizes.py), however many are made at once.

import { openAsBlob } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { wholeFile } from '../../fixtures/checkpoints/pipelines';
import { sizedLatents, sizedRuns, sizedSettings, worstSizedPixel } from '../../fixtures/checkpoints/sizes';
import type { Capacity } from '../models/preflight';
import { EngineError } from '../protocol/errors';
import type { ImagesMade } from '../protocol/events';
import type { Pair } from '../protocol/pictureData';
import { INITIAL, type Settings } from '../settings/fields';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import { closeModel } from './diffusionModel';
import { generate } from './generate';
import { readModelFiles } from './modelFiles';
import { generateSeveral, type SeveralHooks } from './several';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
const tiny = await openModel(backend, await readModelFiles(folder('fixtures/models/tiny')), 'tiny');
const settings: Settings = {
  ...INITIAL,
  prompt: 'red apple',
  scheduler: 'euler-a',
  steps: 3,
  layers: 'all',
  compare: true,
  images: 3,
};

const device = { backend: 'webgpu', f16: true } as const;
const ROOMY: Capacity = { device: null, freeBytes: null, memoryGiB: undefined };
/** Whose rows of two images fit, and of three do not. */
const largest = (images: number) => Math.max(...tiny.needs(settings, images).buffers.map(({ bytes }) => bytes));
const limit = (largest(2) + largest(3)) / 2;
const NARROW: Capacity = {
  ...ROOMY,
  device: { ...device, limits: { maxBufferSize: limit, maxStorageBufferBindingSize: limit } },
};

/** Runs several images, and what came of them in the order in which they were finished. */
async function several(capacity: Capacity, own: Partial<SeveralHooks> = {}) {
  const pairs: Pair[] = [];
  const order: number[] = [];
  const finished: SeveralHooks['finished'] = (image, pair, stats) => {
    pairs[image] = pair;
    order.push(image);
    own.finished?.(image, pair, stats);
  };
  const stats = await generateSeveral(tiny, settings, { ...hooks, ...own, finished }, capacity).catch(
    (error: unknown) => error,
  );
  return { pairs, order, stats };
}

const singles: Pair[] = [];
for (const seed of [settings.seed, settings.seed + 1, settings.seed + 2])
  singles.push((await generate(tiny, { ...settings, seed, images: 1 }, hooks)).pair);

describe('three images', () => {
  test.each([
    ['at once', ROOMY, [3]],
    ['two at a time, as the device holds', NARROW, [2, 1]],
  ])('%s are those of runs of their own', async (_name, capacity, batches) => {
    const seen = new Map<number, ImagesMade | undefined>();
    const progress = (_phase: string, _step: number, _left: number | null, images?: ImagesMade) =>
      seen.set(images?.from ?? 0, images);
    const { pairs, order, stats } = await several(capacity, { progress });
    expect([pairs, order]).toEqual([singles, [0, 1, 2]]);
    expect([...seen.values()].map((images) => images?.count ?? settings.images)).toEqual(batches);
    expect(stats).toMatchObject({ unetRows: 3 * (3 + 2 * 5) });
  });

  const pag = settings.pag;
  test.each<[string, Partial<Settings>]>([
    ['rescaled guidance', { pag: { ...pag, rescale: { mode: 'full', amount: 0.7 }, guidanceRescale: 0.3 } }],
    ['no CFG', { guidanceScale: 1 }],
    ['two stages a step', { scheduler: 'heun' }],
    ['no image without PAG', { compare: false }],
    ['a schedule with memory', { scheduler: 'dpmpp-2m-sde' }],
  ])('with %s too', async (_name, changes) => {
    const own = { ...settings, ...changes, images: 1, seed: settings.seed + 2 };
    const third = await generate(tiny, own, hooks);
    const { pairs } = await generate(tiny, { ...settings, ...changes }, hooks, { seeds: 3 });
    expect(pairs[2]).toEqual(third.pair);
  });

  test('each pair shares its rows until PAG parts it', async () => {
    const late = { ...settings, pag: { ...settings.pag, window: { semantics: 'steps', start: 1, stop: 9 } as const } };
    const one = await generate(tiny, { ...late, images: 1 }, hooks);
    const all = await generate(tiny, late, hooks, { seeds: 3 });
    expect(all.stats.unetRows).toBe(3 * one.stats.unetRows);
    expect(all.pair).toEqual(one.pair);
  });

  test('a cancel and an error leave what is finished by then, in a batch too', async () => {
    const abort = new AbortController();
    const progress = (_phase: string, step: number, _left: number | null, images?: ImagesMade) => {
      if (images?.from === 2 && step === 1) abort.abort();
    };
    const cancelled = await several(NARROW, { signal: abort.signal, progress });
    expect([cancelled.pairs, cancelled.stats]).toEqual([singles.slice(0, 2), abort.signal.reason]);
    const ended = await several(NARROW, { signal: AbortSignal.abort() });
    expect(ended).toMatchObject({ order: [], stats: { name: 'AbortError' } });
    // Behind the first of three that are decoded.
    const lost = new EngineError('device-lost', 'The GPU went away.');
    const failing = await whileDecoding(
      3,
      () => Promise.reject(lost),
      () => several(ROOMY),
    );
    expect([failing.pairs, failing.stats]).toEqual([singles.slice(0, 1), lost]);
  });

  test('numbers that are not finite cost the image whose they are', async () => {
    const notFinite = new EngineError('not-finite', 'The numbers ran away.');
    const spoiled = await whileDecoding(
      3,
      () => Promise.reject(notFinite),
      () => several(NARROW),
    );
    expect([spoiled.order, spoiled.stats]).toEqual([[0, 2], notFinite]);
    expect([spoiled.pairs[0], spoiled.pairs[2]]).toEqual([singles[0], singles[2]]);
  });
});

/** Has the tiny model's decoder do something else the `at`-th time, counted from 1. */
async function whileDecoding<T>(at: number, otherwise: () => Promise<never>, work: () => Promise<T>): Promise<T> {
  const { vaeDecoder } = tiny;
  const decode = vaeDecoder.decode.bind(vaeDecoder);
  let times = 0;
  const spy = vi.spyOn(vaeDecoder, 'decode').mockImplementation((...args) => {
    times += 1;
    return times === at ? otherwise() : decode(...args);
  });
  try {
    return await work();
  } finally {
    spy.mockRestore();
  }
}

test.each(['sd1', 'sdxl'] as const)('%s: with a generator each diffusers makes the same', async (family) => {
  const golden = sizedRuns[family].find(({ settings: { images } }) => images !== undefined)!;
  const source = { file: new File([wholeFile(family, 'F16')], 'some.safetensors'), clipUrl: '' };
  const files = await checkpointFiles(source, undefined, () => openAsBlob('public/clip/merges.txt'));
  const model = await openModel(backend, files, family);
  const own = { ...INITIAL, compare: true, ...sizedSettings, ...golden.settings } as Settings;
  const { latents, pairs } = await generate(model, own, hooks, { seeds: own.images });
  const expected = sizedLatents(golden);
  expect(pairs).toHaveLength(golden.shape[0]);
  expect(relativeError(latents.slice(-expected.length), expected)).toBeLessThan(1e-4);
  if (golden.pictures !== undefined)
    for (const [image, { withPag }] of pairs.entries())
      expect(worstSizedPixel(golden, withPag.rgba, image)).toBeLessThanOrEqual(1);
  await closeModel(model);
});
