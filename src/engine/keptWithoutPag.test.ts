// The image without PAG of the last run, taken over: no row is run for it, and both images are bit by bit those of a
// run that makes them. On the CPU that holds for other layers too, where the graph is cut elsewhere.

import { describe, expect, test } from 'vitest';
import { PLAIN_PAG, type PagOptions } from '../diffusion/options';
import type { Pair } from '../protocol/messages';
import type { Settings } from '../settings/fields';
import { withoutPag } from '../settings/withoutPag';
import { CpuBackend } from './cpuBackend';
import { generate } from './generate';
import { readModelFiles } from './modelFiles';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { withoutPagOf } from './keptWithoutPag';
import type { UnetInput } from './forward';

const backend = new CpuBackend(await loadNodeRuntime());
const open = async (path: string) => openModel(backend, await readModelFiles(folder(path)), path);
const models = { tiny: await open('fixtures/models/tiny'), pocket: await open('public/models/pocket') };

const SETTINGS: Settings = {
  prompt: 'red apple fluent',
  negativePrompt: '',
  emphasis: 'plain',
  noiseSource: 'cpu',
  seed: 7,
  steps: 3,
  guidanceScale: 3,
  pagScale: 3,
  layers: 'mid',
  scheduler: 'euler-a',
  strength: 0.6,
  startFit: 'crop',
  maskArea: 'whole',
  maskPadding: 32,
  maskFeather: 4,
  keepRest: true,
  sigmas: 'model',
  spacing: 'model',
  prediction: 'model',
  terminalSnr: 'model',
  clipSkip: 1,
  width: 0,
  height: 0,
  pag: PLAIN_PAG,
  images: 1,
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

async function run(name: keyof typeof models, settings: Settings, kept: Parameters<typeof generate>[3] = null) {
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
  const result = await generate({ ...model, unet: counted }, settings, hooks, kept);
  expect(result.stats.unetRows).toBe(rows);
  return { ...result, rows, previews };
}

describe.each(['tiny', 'pocket'] as const)('%s: a run that differs from the last one in', (name) => {
  let first: Awaited<ReturnType<typeof run>> | null = null;

  test.each(Object.entries(CHANGES))('%s alone makes the image with PAG alone, bit by bit', async (_, changes) => {
    const settings = { ...SETTINGS, ...changes };
    expect(withoutPag(settings)).toBe(withoutPag(SETTINGS));
    first ??= await run(name, SETTINGS);
    const whole = await run(name, settings);
    const reused = await run(name, settings, withoutPagOf(first));
    expect(reused.latents).toEqual(whole.latents);
    expect(reused.pair).toEqual(whole.pair);
    expect(reused.stats).toMatchObject({ keptWithoutPag: true, rowsBeforeFork: changes.pagScale === 0 ? 0 : 2 });
    expect(whole.stats).toMatchObject({ keptWithoutPag: false, perturbedSites: reused.stats.perturbedSites });
    expect(reused.rows).toBeLessThanOrEqual(whole.rows);
  });
});

test('two and three rows instead of four and five, and of three steps nine instead of thirteen', async () => {
  const whole = await run('tiny', SETTINGS);
  const reused = await run('tiny', { ...SETTINGS, pagScale: 2 }, withoutPagOf(whole));
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
    const first = withoutPagOf(made)!;
    const begins = first.parting!.record;
    expect(begins).toBeGreaterThan(1);
    for (const changes of [{ pagScale: 5 }, { pagScale: 1, ...late(0.5, 0.9) }, { pagScale: 2, ...late(0.1, 0.9) }]) {
      const whole = await run('tiny', { ...settings, ...changes });
      const reused = await run('tiny', { ...settings, ...changes }, first);
      expect(reused.latents).toEqual(whole.latents);
      const isLater = whole.plan.parting >= begins;
      const skipped = isLater ? begins : 0;
      expect(reused.rows).toBe(
        whole.plan.records.slice(skipped).reduce((sum, { siteRows }) => sum + siteRows.length, 0),
      );
      // And what such a run leaves serves the next one.
      if (isLater) expect((await run('tiny', settings, withoutPagOf(reused))).latents).toEqual(made.latents);
    }
  },
);

test('it is made anew where rescaled guidance combines its rows otherwise, and kept from there on', async () => {
  const rescaled = { ...SETTINGS, ...pag({ rescale: { mode: 'full', amount: 0.7 } }) };
  const anew = await run('tiny', rescaled, withoutPagOf(await run('tiny', SETTINGS)));
  expect(anew.stats.keptWithoutPag).toBe(false);
  const reused = await run('tiny', { ...rescaled, pagScale: 5 }, withoutPagOf(anew));
  const whole = await run('tiny', { ...rescaled, pagScale: 5 });
  expect(reused.stats.keptWithoutPag).toBe(true);
  expect(reused.latents).toEqual(whole.latents);
});

test('the image without PAG is shown once, and a copy of it each time', async () => {
  const whole = await run('tiny', SETTINGS);
  const kept = withoutPagOf(whole)!;
  const { previews, pair } = await run('tiny', SETTINGS, kept);
  expect(previews.map((shown) => shown.pair.withoutPag)).toEqual([whole.pair.withoutPag, null]);
  expect(pair.withoutPag).toEqual(kept.picture);
  const buffers = [whole.pair, previews[0]!.pair, pair].map(({ withoutPag: picture }) => picture!.rgba.buffer);
  expect(new Set([...buffers, kept.picture.rgba.buffer]).size).toBe(4);
});

test('a run that does not compare takes none over', async () => {
  const kept = withoutPagOf(await run('tiny', SETTINGS));
  const alone = await run('tiny', { ...SETTINGS, compare: false }, kept);
  expect([alone.pair.withoutPag, alone.stats.keptWithoutPag, withoutPagOf(alone)]).toEqual([null, false, null]);
});
