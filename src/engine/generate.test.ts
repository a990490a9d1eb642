// Whole runs on the WASM provider. Of the built-in model against a run made in Python with ONNX Runtime (the
// perturbed sites rewired in the graph), diffusers' DDIMScheduler and torch.randn (fixtures/pocket/make_golden.py).

import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { PLAIN_PAG } from '../diffusion/options';
import { INITIAL, type Settings } from '../settings/fields';
import { CpuBackend } from './cpuBackend';
import { closeModel } from './diffusionModel';
import { countingBackend } from './testing/countingBackend';
import { openModel } from './testing/openModel';
import { generate } from './generate';
import { readModelFiles } from './modelFiles';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

interface GoldenRun {
  readonly latents: { readonly offset: number; readonly shape: readonly number[] };
  readonly image: { readonly byteOffset: number };
}

const golden = JSON.parse(readFileSync('fixtures/pocket/golden.json', 'utf8')) as {
  settings: Omit<Settings, 'sigmas' | 'spacing' | 'pag' | 'compare' | 'backend' | 'layers'>;
  runs: Record<'off' | 'mid' | 'all', GoldenRun>;
};
const bytes = readFileSync('fixtures/pocket/golden.bin');
const size = golden.runs.off.latents.shape.reduce((a, b) => a * b, 1);
const latentsOf = (run: GoldenRun) =>
  Float32Array.from({ length: size }, (_, at) => bytes.readFloatLE(4 * (run.latents.offset + at)));

const backend = new CpuBackend(await loadNodeRuntime());
const open = async (path: string) => openModel(backend, await readModelFiles(folder(path)), path);
const pocket = await open('public/models/pocket');
/** For what holds of any model. */
const tiny = await open('fixtures/models/tiny');
const { latentShape } = tiny.info;
const settings: Settings = {
  ...INITIAL,
  ...golden.settings,
  layers: 'all',
  compare: true,
  backend: 'wasm',
};
const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
const run = (changes: Partial<Settings>) => generate(tiny, { ...settings, ...changes }, hooks);
/** The images of a pair, one after the other. */
const images = (latents: Float32Array) =>
  [latents.slice(0, latents.length / 2), latents.slice(latents.length / 2)] as const;

// Eight steps of CFG 3 + PAG 3 multiply the 1e-6 of each forward; measured 1e-5 to 1e-4.
const BOUND = 1e-3;

describe('a pair from a fixed seed', () => {
  test.each(['mid', 'all'] as const)('layers %s: both images equal the reference', async (layers) => {
    const { latents, pair, stats } = await generate(pocket, { ...settings, layers }, hooks);
    expect(relativeError(latents.slice(0, size), latentsOf(golden.runs.off))).toBeLessThan(BOUND);
    expect(relativeError(latents.slice(size), latentsOf(golden.runs[layers]))).toBeLessThan(BOUND);
    const at = golden.runs[layers].image.byteOffset;
    let worst = 0;
    for (let pixel = 0; pixel < 128 * 128; pixel += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        worst = Math.max(worst, Math.abs(pair.withPag.rgba[4 * pixel + channel]! - bytes[at + 3 * pixel + channel]!));
      }
    }
    expect(worst).toBeLessThanOrEqual(2);
    expect([stats.rowsBeforeFork, stats.rowsAfterFork, stats.unetRows]).toEqual([4, 5, 3 + 7 * 5]);
  });
});

test('a decoder that is too large whole decodes in tiles, and the run says in how many', async () => {
  const limited = countingBackend(backend, { mostTensorBytes: 60_000 });
  const model = await openModel(limited, await readModelFiles(folder('fixtures/models/tiny')), 'tiny');
  const asked = { ...settings, steps: 1, width: 64, height: 32 };
  const [whole, tiled] = [await generate(tiny, asked, hooks), await generate(model, asked, hooks)];
  expect([whole.stats.tiles, tiled.stats.tiles]).toEqual([undefined, expect.any(Number)]);
  expect(tiled.latents).toEqual(whole.latents);
  const apart = tiled.pair.withPag.rgba.map((value, at) => Math.abs(value - whole.pair.withPag.rgba[at]!));
  expect(Math.max(...apart)).toBeLessThanOrEqual(1);
  await closeModel(model);
  expect(limited.live).toEqual({ sessions: 0, tensors: 0 });
});

test('PAG scale 0 runs no perturbed row and is bit-equal to CFG alone (property 1)', async () => {
  const cfg = await run({ compare: true, pagScale: 3 });
  const off = await run({ compare: false, pagScale: 0 });
  expect(off.latents).toEqual(images(cfg.latents)[0]);
  expect(off.stats.unetRows).toBe(2 * settings.steps);
  expect(off.stats.perturbedSites).toEqual([]);
});

test('without CFG there are two rows with PAG and one without (property 8)', async () => {
  const pag = await run({ compare: false, guidanceScale: 1, steps: 1 });
  const plain = await run({ compare: false, guidanceScale: 1, pagScale: 0, steps: 1 });
  expect([pag.stats.rowsBeforeFork, pag.stats.rowsAfterFork]).toEqual([1, 2]);
  expect([plain.stats.rowsBeforeFork, plain.stats.rowsAfterFork]).toEqual([1, 1]);
});

test('one step is affine in the PAG scale (property 6)', async () => {
  const at = async (pagScale: number) => (await run({ compare: false, steps: 1, pagScale })).latents;
  const [zero, one, two] = [await at(0), await at(1), await at(2)];
  const extrapolated = one.map((value, index) => 2 * value - zero[index]!);
  expect(relativeError(extrapolated, two)).toBeLessThan(1e-5);
});

test('outside its window PAG runs no perturbed row; a run all outside is bit-equal to CFG (property 8)', async () => {
  const window = (start: number, stop: number) => ({
    ...PLAIN_PAG,
    window: { semantics: 'forge', start, stop } as const,
  });
  const early = await run({ compare: true, steps: 4, pag: window(0, 0.2) });
  expect([early.stats.rowsAfterFork, early.stats.unetRows]).toEqual([5, 3 + 5 + 4 + 4]);
  const [earlyWithout, earlyWith] = images(early.latents);
  expect(earlyWith).not.toEqual(earlyWithout);
  const never = await run({ compare: true, steps: 4, pag: window(2, 2) });
  expect(never.stats.unetRows).toBe(4 * 2);
  const [neverWithout, neverWith] = images(never.latents);
  expect(neverWith).toEqual(neverWithout);
  expect(neverWithout).toEqual(earlyWithout);
});

test('SoftPAG: u of single sites overrides the run’s; all at 1 is PAG, all at 0 runs no perturbed row', async () => {
  const soft = async (identity: number, siteIdentity: Readonly<Record<string, number>>) =>
    run({ compare: false, steps: 2, pag: { ...PLAIN_PAG, identity, siteIdentity } });
  const names = tiny.unet.sites.map((site) => site.name);
  const everywhere = (u: number) => Object.fromEntries(names.map((name) => [name, u]));
  const whole = await run({ compare: false, steps: 2 });
  expect((await soft(0, everywhere(1))).latents).toEqual(whole.latents);
  const half = await soft(0.5, {});
  expect((await soft(1, everywhere(0.5))).latents).toEqual(half.latents);
  expect(relativeError(half.latents, whole.latents)).toBeGreaterThan(1e-3);
  const none = await soft(1, everywhere(0));
  expect([none.stats.unetRows, none.stats.perturbedSites]).toEqual([4, []]);
  const [first] = names as [string];
  const one = await soft(0, { [first]: 1 });
  expect(one.stats.perturbedSites).toEqual([first]);
  // The same perturbation, though the graph is cut at other sites.
  const alone = await run({ compare: false, steps: 2, layers: first });
  expect(relativeError(one.latents, alone.latents)).toBeLessThan(1e-5);
});

test('rescaled guidance: off is plain, φ and the PAG term act on the images that have them', async () => {
  const rescaled = async (pag: Partial<typeof PLAIN_PAG>, changes: Partial<Settings> = {}) =>
    (await run({ steps: 2, pag: { ...PLAIN_PAG, ...pag }, ...changes })).latents;
  const plain = await rescaled({});
  expect(await rescaled({ rescale: { mode: 'full', amount: 0 } })).toEqual(plain);
  for (const mode of ['full', 'partial'] as const) {
    const latents = await rescaled({ rescale: { mode, amount: 0.7 } });
    const [without, withPag] = images(latents);
    expect(relativeError(without, images(plain)[0])).toBeLessThan(1e-6);
    expect(relativeError(withPag, images(plain)[1])).toBeGreaterThan(1e-2);
  }
  const both = await rescaled({ guidanceRescale: 0.7 });
  for (const image of images(both)) expect(image.every(Number.isFinite)).toBe(true);
  expect(relativeError(images(both)[0], images(plain)[0])).toBeGreaterThan(1e-2);
  // Without CFG there is nothing that φ or SNF would change.
  const alone = await rescaled({}, { guidanceScale: 1 });
  expect(await rescaled({ guidanceRescale: 0.7, rescale: { mode: 'snf' } }, { guidanceScale: 1 })).toEqual(alone);
});

test('a cancelled run stops with an AbortError and the next one works', async () => {
  const abort = new AbortController();
  const steps: number[] = [];
  const cancelled = generate(tiny, settings, {
    ...hooks,
    signal: abort.signal,
    progress: (_, step) => {
      steps.push(step);
      if (step === 2) abort.abort();
    },
  });
  await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
  expect(Math.max(...steps)).toBe(2);
  expect((await run({ steps: 1 })).pair.withoutPag).not.toBeNull();
});

test('a cancel leaves what does not come back from the device, in a step and behind the last one', async () => {
  for (const ofRun of [1, 2]) {
    const abort = new AbortController();
    const read = backend.read.bind(backend);
    let reads = 0;
    const spy = vi.spyOn(backend, 'read').mockImplementation((tensor) => {
      // Of a run of two steps: the first one's state and preview, then the latents.
      const isLatents = tensor.dims.length === 4 && tensor.dims[0] === 2;
      if (isLatents) reads += 1;
      if (!isLatents || reads !== 2 * ofRun - 1) return read(tensor);
      setTimeout(() => abort.abort());
      return new Promise(() => {});
    });
    const cancelled = generate(tiny, { ...settings, steps: 2 }, { ...hooks, signal: abort.signal });
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    expect(reads).toBeGreaterThanOrEqual(2 * ofRun - 1);
    spy.mockRestore();
  }
  expect((await run({ steps: 1 })).pair.withoutPag).not.toBeNull();
});

test('bad layers are a typed error', async () => {
  await expect(run({ layers: 'd9' })).rejects.toMatchObject({ code: 'layers-not-found' });
});

test('a run has the size that its settings ask for, with noise of its own', async () => {
  const { own, multiple } = tiny.info.sizes;
  const wide = { width: own.width + multiple, height: own.height - multiple };
  const { pair, latents } = await run({ compare: false, steps: 1, ...wide });
  const { width, height } = pair.withPag;
  expect({ width, height }).toEqual(wide);
  expect(latents).toHaveLength((4 * width * height * latentShape[1] * latentShape[2]) / (own.width * own.height));
  const square = await run({ compare: false, steps: 1, ...own });
  expect(square.latents).toEqual((await run({ compare: false, steps: 1 })).latents);
});
