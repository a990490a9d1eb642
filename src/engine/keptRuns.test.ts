// What earlier runs have left, taken over: no row is run for it, and both images are bit by bit those of a run that
// makes them. On the CPU that holds for other layers too, where the graph is cut elsewhere.

import { describe, expect, test } from 'vitest';
import { PLAIN_PAG, type PagOptions } from '../diffusion/options';
import type { RunPlan } from '../diffusion/runPlan';
import type { Pair } from '../protocol/pictureData';
import { INITIAL, type Settings } from '../settings/fields';
import { beyondPlan } from '../settings/beyondPlan';
import { fromStepOn } from '../settings/earlierSteps';
import { CpuBackend } from './cpuBackend';
import { generate } from './generate';
import { readModelFiles } from './modelFiles';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { KeptRuns, StateLog, leftOf, type Trajectory } from './keptRuns';
import { trajectoriesOf } from './leftRun';
import type { UnetInput } from './forward';

const backend = new CpuBackend(await loadNodeRuntime());
const open = async (path: string) => openModel(backend, await readModelFiles(folder(path)), path);
const models = { tiny: await open('fixtures/models/tiny'), pocket: await open('public/models/pocket') };

const SETTINGS: Settings = {
  ...INITIAL,
  prompt: 'red apple fluent',
  negativePrompt: '',
  emphasis: 'plain',
  seed: 7,
  steps: 3,
  guidanceScale: 3,
  pagScale: 3,
  layers: 'mid',
  scheduler: 'euler-a',
  compare: true,
  backend: 'wasm',
};
const pag = (changes: Partial<PagOptions>) => ({ pag: { ...PLAIN_PAG, ...changes } });
const CHANGES: Readonly<Record<string, Partial<Settings>>> = {
  'another scale': { pagScale: 5 },
  'a scale of 0': { pagScale: 0 },
  'other layers': { layers: 'all' },
  'a smaller u': pag({ identity: 0.5 }),
  'a window': pag({ window: { semantics: 'steps', start: 0, stop: 1 } }),
  'an adaptive scale': pag({ adaptive: { semantics: 'diffusers', amount: 0.001 } }),
};

interface Shown {
  readonly pair: Pair;
  readonly step: number;
}

async function run(name: keyof typeof models, settings: Settings, kept: KeptRuns | null = null, anew = true) {
  const model = models[name];
  let rows = 0;
  const previews: Shown[] = [];
  const counted = Object.create(model.unet, {
    predict: {
      value: (...args: [never, UnetInput, AbortSignal]) => {
        rows += args[1].fork.length;
        return model.unet.predict(...args);
      },
    },
  }) as typeof model.unet;
  const hooks = {
    signal: new AbortController().signal,
    progress: () => {},
    preview: (step: number, [pair]: readonly Pair[]) => previews.push({ step, pair: pair! }),
  };
  const result = await generate({ ...model, unet: counted }, settings, hooks, { kept, anew });
  expect(result.stats.unetRows).toBe(rows);
  return { ...result, rows, previews };
}

/** Of the image with PAG alone, or of both. */
function rowsFrom({ records }: RunPlan, record: number): number {
  return records.slice(record).reduce((sum, { siteRows }) => sum + siteRows.length, 0);
}

function keptOf(...runs: readonly Awaited<ReturnType<typeof run>>[]): KeptRuns {
  const kept = new KeptRuns();
  for (const { made } of runs) kept.add(made);
  return kept;
}

describe.each(['tiny', 'pocket'] as const)('%s: a run that differs from the last one in', (name) => {
  let first: Awaited<ReturnType<typeof run>> | null = null;

  test.each(Object.entries(CHANGES))('%s alone makes the image with PAG alone, bit by bit', async (_, changes) => {
    const settings = { ...SETTINGS, ...changes };
    expect(beyondPlan(settings)).toBe(beyondPlan(SETTINGS));
    first ??= await run(name, SETTINGS);
    const whole = await run(name, settings);
    const reused = await run(name, settings, keptOf(first));
    expect(reused.latents).toEqual(whole.latents);
    expect(reused.pair).toEqual(whole.pair);
    expect(reused.stats).toMatchObject({ keptWithoutPag: true, rowsBeforeFork: changes.pagScale === 0 ? 0 : 2 });
    expect(whole.stats).toMatchObject({ keptWithoutPag: false, perturbedSites: reused.stats.perturbedSites });
    expect(reused.rows).toBeLessThanOrEqual(whole.rows);
  });
});

test('two and three rows instead of four and five, and of three steps nine instead of thirteen', async () => {
  const whole = await run('tiny', SETTINGS);
  const reused = await run('tiny', { ...SETTINGS, pagScale: 2 }, keptOf(whole));
  const figures = ({ rows, stats }: typeof whole) => [stats.rowsBeforeFork, stats.rowsAfterFork, rows];
  expect([figures(whole), figures(reused)]).toEqual([
    [4, 5, 3 + 5 + 5],
    [2, 3, 3 * 3],
  ]);
});

test.each(['euler-a', 'dpmpp-2m'] as const)(
  '%s: where PAG begins late, a moved scale begins there, with the noise and the history of before',
  async (scheduler) => {
    const late = (start: number, stop: number) => pag({ window: { semantics: 'guider', start, stop } });
    const settings = { ...SETTINGS, scheduler, steps: 5, ...late(0.3, 0.9) };
    const made = await run('tiny', settings);
    const first = keptOf(made);
    for (const changes of [{ pagScale: 5 }, { pagScale: 1, ...late(0.5, 0.9) }, { pagScale: 2, ...late(0.1, 0.9) }]) {
      const whole = await run('tiny', { ...settings, ...changes });
      const reused = await run('tiny', { ...settings, ...changes }, first);
      expect(reused.latents).toEqual(whole.latents);
      const parting = whole.plan.records.findIndex(({ siteRows }) => siteRows.some(({ identity }) => identity > 0));
      expect(parting).toBeGreaterThan(0);
      const { plan } = await run('tiny', { ...settings, ...changes, compare: false });
      expect([reused.stats.keptSteps, reused.rows]).toEqual([parting, rowsFrom(plan, parting)]);
      // And what such a run leaves serves the next one.
      expect((await run('tiny', settings, keptOf(reused))).latents).toEqual(made.latents);
    }
  },
);

const CHANGED: Readonly<Record<string, Partial<Settings>>> = {
  'another PAG scale': { pagScale: 7 },
  'another CFG scale': { guidanceScale: 6 },
  'a PAG scale of 0': { pagScale: 0 },
  'other layers': { layers: 'all' },
  'no CFG': { guidanceScale: 1 },
  'another prompt': { prompt: 'blue' },
  'another negative prompt': { negativePrompt: 'red' },
};

describe.each(['dpmpp-2m', 'dpmpp-2m-sde', 'euler-a', 'heun', 'unipc', 'pndm', 'lms'] as const)(
  '%s: from step 3 on',
  (scheduler) => {
    const settings = { ...SETTINGS, scheduler, steps: 5 };
    const STEP = 2;
    let first: Awaited<ReturnType<typeof run>> | null = null;
    const changes = Object.entries(CHANGED).slice(0, scheduler === 'dpmpp-2m' ? undefined : 2);

    test.each(changes)('%s runs the later steps alone, bit by bit as in one go', async (_, changes) => {
      first ??= await run('tiny', settings);
      const changed = fromStepOn(settings, STEP, { ...settings, ...changes });
      const whole = await run('tiny', changed);
      const rest = await run('tiny', changed, keptOf(first));
      expect(rest.latents).toEqual(whole.latents);
      expect(rest.pair).toEqual(whole.pair);
      expect(whole.latents).not.toEqual(first.latents);
      const ofPagAlone = 'pagScale' in changes || 'layers' in changes;
      expect(rest.stats).toMatchObject({ keptWithoutPag: ofPagAlone, keptSteps: STEP });
      const record = whole.plan.records.findIndex(({ coefficients }) => coefficients.step === STEP);
      const { plan } = ofPagAlone ? await run('tiny', { ...changed, compare: false }) : whole;
      expect(rest.rows).toBe(rowsFrom(plan, record));
      // A change of the change goes on from there as well.
      const again = fromStepOn(changed, STEP + 1, { ...changed, pagScale: 1.5 });
      const both = await run('tiny', again, keptOf(first, rest));
      expect(both.latents).toEqual((await run('tiny', again)).latents);
      expect(both.stats).toMatchObject({ keptWithoutPag: true, keptSteps: STEP + 1 });
    });
  },
);

test('a run that is asked for anew is made; the same of a slider that comes back is given again', async () => {
  const first = await run('tiny', SETTINGS);
  const anew = await run('tiny', SETTINGS, keptOf(first));
  const again = await run('tiny', SETTINGS, keptOf(first), false);
  expect([anew.rows, again.rows]).toEqual([9, 0]);
  for (const { pair, latents, stats } of [anew, again]) {
    expect([pair, latents]).toEqual([first.pair, first.latents]);
    expect(stats.perturbedSites).toEqual(first.stats.perturbedSites);
  }
});

test('cells that part late share the steps before, counted in rows', async () => {
  const cells = [1, 2, 4, 8].map((pagScale) =>
    fromStepOn({ ...SETTINGS, steps: 5, compare: false }, 3, { ...SETTINGS, pagScale }),
  );
  const kept = new KeptRuns();
  const rows: number[] = [];
  for (const cell of cells) {
    const made = await run('tiny', cell, kept, false);
    kept.add(made.made);
    rows.push(made.rows);
  }
  expect(rows).toEqual([15, 6, 6, 6]);
});

test('what an earlier visit has kept is gone on from, by what its settings say alone', async () => {
  const settings = { ...SETTINGS, steps: 5, scheduler: 'dpmpp-2m' } as const;
  const first = await run('tiny', settings);
  const left = { settings, pair: first.pair, images: leftOf(first.made)!, traces: [] };
  const kept = new KeptRuns();
  kept.add(trajectoriesOf(models.tiny, structuredClone(left)));
  const changed = fromStepOn(settings, 3, { ...settings, pagScale: 7 });
  const rest = await run('tiny', changed, kept);
  expect(rest.stats).toMatchObject({ keptWithoutPag: true, keptSteps: 3, unetRows: 6 });
  expect(rest.latents).toEqual((await run('tiny', changed)).latents);
  // Of other latents, or of layers that are not here, nothing is taken.
  const states = [{ record: 1, latents: new Float32Array(3), history: new Float32Array(0) }];
  const cut = left.images.map((image) => ({ ...image, states }));
  expect(trajectoriesOf(models.tiny, { ...left, images: cut })).toEqual([]);
  expect(trajectoriesOf(models.tiny, { ...left, settings: { ...settings, layers: 'd9' } })).toEqual([]);
});

const numbers = (count: number) => new Float32Array(count);
const made = (name: string, floats: number): Trajectory => ({
  of: 'withPag',
  steps: [name],
  states: [{ record: 1, latents: numbers(floats), history: numbers(0) }],
  latents: numbers(0),
  picture: { width: 0, height: 0, rgba: new Uint8ClampedArray(0) },
  traces: [],
});

test('what is kept has its room: the oldest goes, and what was just made stays', () => {
  const kept = new KeptRuns(1000);
  const has = (...names: readonly string[]) => names.map((name) => kept.whole([name]) !== null);
  for (const name of ['a', 'b', 'c']) kept.add([made(name, 100)]);
  expect(has('a', 'b', 'c')).toEqual([false, true, true]);
  // What is made again is as new.
  kept.add([made('b', 100)]);
  kept.add([made('d', 100)]);
  expect(has('b', 'c', 'd')).toEqual([true, false, true]);
  kept.add([made('large', 1000)]);
  expect(has('b', 'd', 'large')).toEqual([false, false, true]);
});

test('of large latents every second state is kept, or fewer', async () => {
  const { plan } = await run('tiny', { ...SETTINGS, steps: 8, scheduler: 'dpmpp-2m' });
  const shape = [4, 2, 2];
  const [latents, history] = [numbers(2 * 16), numbers(plan.historyLength * 2 * 16)];
  // 64 bytes of latents and one K, of two images, at eight records.
  for (const [room, records] of [
    [2048, [1, 2, 3, 4, 5, 6, 7]],
    [2047, [2, 4, 6]],
    [683, [3, 6]],
  ] as const) {
    const log = new StateLog(plan, 2, shape, room);
    for (let record = 0; record < 8; record += 1) if (log.wants(record)) log.put(record, latents, history);
    expect(log.of(1).map(({ record }) => record)).toEqual(records);
  }
});

test('it is made anew where rescaled guidance combines its rows otherwise, and kept from there on', async () => {
  const rescaled = { ...SETTINGS, ...pag({ rescale: { mode: 'full', amount: 0.7 } }) };
  const anew = await run('tiny', rescaled, keptOf(await run('tiny', SETTINGS)));
  expect(anew.stats.keptWithoutPag).toBe(false);
  const reused = await run('tiny', { ...rescaled, pagScale: 5 }, keptOf(anew));
  const whole = await run('tiny', { ...rescaled, pagScale: 5 });
  expect(reused.stats.keptWithoutPag).toBe(true);
  expect(reused.latents).toEqual(whole.latents);
});

test('the image without PAG is shown once, and a copy of it each time', async () => {
  const whole = await run('tiny', SETTINGS);
  const kept = keptOf(whole);
  const { previews, pair } = await run('tiny', SETTINGS, kept);
  expect(previews.map((shown) => shown.pair.withoutPag)).toEqual([whole.pair.withoutPag, null]);
  expect(pair.withoutPag).toEqual(whole.pair.withoutPag);
  const buffers = [whole.pair, previews[0]!.pair, pair].map(({ withoutPag: picture }) => picture!.rgba.buffer);
  expect(new Set([...buffers, whole.made[0]!.picture.rgba.buffer]).size).toBe(4);
});

test('a run that does not compare takes none over', async () => {
  const kept = keptOf(await run('tiny', SETTINGS));
  const alone = await run('tiny', { ...SETTINGS, compare: false }, kept);
  expect([alone.pair.withoutPag, alone.stats.keptWithoutPag, alone.made.map(({ of }) => of)]).toEqual([
    null,
    false,
    ['withPag'],
  ]);
});
