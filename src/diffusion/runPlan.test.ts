// What a run will do, without any engine.

import { describe, expect, it } from 'vitest';
import { PLAIN_PAG } from './options';
import { planRun, type PlannedModel, type PlannedSettings } from './runPlan';
import { SCHEDULER_IDS } from './schedulers';
import { noisedAs } from './stepTable';

const SD = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', steps_offset: 1 };
const MODEL: PlannedModel = { scheduler: SD, guidanceEmbedded: false, strengths: () => [1] };
const SETTINGS: PlannedSettings = {
  scheduler: 'euler',
  sigmas: 'model',
  spacing: 'model',
  steps: 4,
  guidanceScale: 5,
  pagScale: 3,
  layers: 'mid',
  pag: PLAIN_PAG,
  compare: true,
};
/** The image without PAG is there. */
const ALONE = { record: 0, withoutPag: true };
const plan = (changes: Partial<PlannedSettings> = {}, model: Partial<PlannedModel> = {}) =>
  planRun({ ...SETTINGS, ...changes }, { ...MODEL, ...model });

describe('the rows of a run', () => {
  it('are four before the fork and five behind it for a pair with CFG, and the images share none of them', () => {
    const { images, records, rows, mostBase, mostRows } = plan();
    expect(images).toBe(2);
    expect(records[1]?.base.map(({ image, context }) => [image, context])).toEqual([
      [0, 'uncond'],
      [0, 'cond'],
      [1, 'uncond'],
      [1, 'cond'],
    ]);
    expect(records[1]?.siteRows).toEqual([
      { source: 0, identity: 0 },
      { source: 1, identity: 0 },
      { source: 2, identity: 0 },
      { source: 3, identity: 0 },
      { source: 3, identity: 1 },
    ]);
    expect(records[1]?.weights).toEqual([
      [-4, 5, 0, 0, 0],
      [0, 0, -4, 8, -3],
    ]);
    expect([rows, mostBase, mostRows]).toEqual([3 + 3 * 5, 4, 5]);
  });

  it('are shared by both images up to the first record with a perturbed row: they read the same latents', () => {
    const [first, second] = plan().records;
    expect(first?.base.map(({ image, context }) => [image, context])).toEqual([
      [0, 'uncond'],
      [0, 'cond'],
    ]);
    expect(first?.siteRows).toEqual([
      { source: 0, identity: 0 },
      { source: 1, identity: 0 },
      { source: 1, identity: 1 },
    ]);
    expect(first?.weights).toEqual([
      [-4, 5, 0],
      [-4, 8, -3],
    ]);
    expect(second?.base).toHaveLength(4);
    const late = { ...PLAIN_PAG, window: { semantics: 'guider', start: 0.25, stop: 0.8 } } as const;
    expect(plan({ steps: 8, pag: late }).records.map(({ base, siteRows }) => [base.length, siteRows.length])).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
      [2, 3],
      [4, 5],
      [4, 5],
      [4, 4],
      [4, 4],
    ]);
    const { records, images } = plan({ pagScale: 0 });
    expect([images, ...records.map(({ siteRows }) => siteRows.length)]).toEqual([2, 2, 2, 2, 2]);
  });

  it('are two and three where the image without PAG is there already, and combined as in the pair', () => {
    const pair = plan();
    const alone = planRun(SETTINGS, MODEL, ALONE);
    expect([alone.images, alone.rows, alone.mostBase, alone.mostRows]).toEqual([1, 12, 2, 3]);
    for (const [index, { siteRows, weights }] of alone.records.entries()) {
      expect(siteRows).toHaveLength(3);
      expect(weights).toEqual([pair.records[index]?.weights[1]?.slice(-3)]);
    }
    expect(planRun({ ...SETTINGS, compare: false }, MODEL)).toEqual(alone);
  });

  it('are those of the image with PAG alone where nothing is compared', () => {
    const { images, mostBase, mostRows } = plan({ compare: false });
    expect([images, mostBase, mostRows]).toEqual([1, 2, 3]);
  });

  it('are only those behind a record that is made already, where the images part later', () => {
    const pag = { ...PLAIN_PAG, window: { semantics: 'guider', start: 0.25, stop: 0.8 } } as const;
    const settings = { ...SETTINGS, steps: 8, scheduler: 'euler-a', pag } as const;
    const [whole, rest] = [planRun(settings, MODEL, ALONE), planRun(settings, MODEL, { record: 3, withoutPag: true })];
    expect([whole.first, rest.first]).toEqual([0, 3]);
    expect(rest.records).toEqual(whole.records.slice(3));
    expect([whole.rows, rest.rows]).toEqual([3 * 2 + 3 * 3 + 2 * 2, 3 * 3 + 2 * 2]);
  });

  it('have no perturbed one outside a window, nor where no site is perturbed', () => {
    const pag = { ...PLAIN_PAG, window: { semantics: 'steps', start: 0, stop: 1 } } as const;
    expect(plan({ pag }).records.map(({ siteRows, pagScale }) => [siteRows.length, pagScale])).toEqual([
      [3, 3],
      [5, 3],
      [5, 3],
      [4, 0],
    ]);
    expect(plan({}, { strengths: () => [0] }).mostRows).toBe(2);
    expect(plan({}, { strengths: () => [] }).mostRows).toBe(2);
    expect(plan({ pagScale: 0 }).mostRows).toBe(2);
  });

  it('have no unconditional one where the UNet guides by itself', () => {
    const { records } = plan({}, { guidanceEmbedded: true });
    expect(records.at(-1)?.base.map(({ context }) => context)).toEqual(['cond', 'cond']);
  });

  it('are those of the settings that hold, where a run changes on the way', () => {
    const before = { until: 2, guidanceScale: 5, pagScale: 3, layers: 'mid' };
    const changed = plan(
      { guidanceScale: 1, pagScale: 7, layers: 'none', earlier: [before] },
      {
        strengths: (layers) => (layers === 'mid' ? [1] : [0]),
      },
    );
    expect(changed.records.map(({ phase, pagScale }) => [phase, pagScale])).toEqual([
      [0, 3],
      [0, 3],
      [1, 7],
      [1, 7],
    ]);
    expect(changed.records.slice(0, 2)).toEqual(plan().records.slice(0, 2));
    expect(changed.records[2]?.siteRows).toHaveLength(2);
    expect([changed.mostRows, changed.mostBase]).toEqual([5, 4]);
    const rest = planRun({ ...SETTINGS, pagScale: 7, earlier: [before] }, MODEL, { record: 2, withoutPag: false });
    expect([rest.images, rest.first, rest.records.map(({ weights }) => weights[1])]).toEqual([
      2,
      2,
      [
        [0, 0, -4, 12, -7],
        [0, 0, -4, 12, -7],
      ],
    ]);
  });

  it('of both records of a step are of one phase', () => {
    const earlier = [{ until: 2, guidanceScale: 5, pagScale: 1, layers: 'mid' }];
    const { records } = plan({ scheduler: 'heun', earlier });
    expect(records.map(({ coefficients, phase }) => [coefficients.step, phase])).toEqual([
      [0, 0],
      [0, 0],
      [1, 0],
      [1, 0],
      [2, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  it('are combined first, one prediction an image, where guidance is no weighted sum', () => {
    const { records } = plan({ pag: { ...PLAIN_PAG, rescale: { mode: 'full', amount: 0.5 } } });
    expect(records[0]?.weights).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(records[0]?.nonlinear).toMatchObject([
      { uncond: 0, cond: 1, perturbed: null },
      { uncond: 0, cond: 1, perturbed: 2, pagScale: 3 },
    ]);
    expect(records[1]?.nonlinear?.[1]).toMatchObject({ uncond: 2, cond: 3, perturbed: 4, pagScale: 3 });
  });
});

describe.each(SCHEDULER_IDS)('with %s', (scheduler) => {
  const { records, steps, historyLength } = plan({ scheduler, steps: 6 });

  it('each step ends once, and can be shown but for the last', () => {
    expect(steps).toBe(6);
    expect(records.map(({ nextStep }) => nextStep).filter((step) => step !== null)).toEqual([1, 2, 3, 4, 5]);
  });

  it('noise is drawn in order, and only where a record reads it', () => {
    const draws = records.flatMap(({ noiseDraw }) => (noiseDraw === null ? [] : [noiseDraw]));
    expect(draws).toEqual(draws.map((_, index) => index + 1));
    for (const { coefficients, noiseDraw } of records) {
      const { next, keep } = coefficients;
      expect(noiseDraw !== null).toBe((next.noise ?? 0) !== 0 || (keep?.noise ?? 0) !== 0);
    }
  });

  it('no record reads more history than is kept, and none before the run', () => {
    const started = plan({ scheduler, steps: 6, start: { strength: 0.7, draws: 1 } }).records;
    for (const [at, { coefficients, noiseDraw }] of started.entries()) {
      expect(coefficients.next.history?.length ?? 0).toBeLessThanOrEqual(at);
      if (noiseDraw !== null) expect(noiseDraw).toBeGreaterThan(1);
    }
    expect(started[0]?.coefficients.step).toBe(0);
    for (const { coefficients } of records) {
      expect(coefficients.next.history?.length ?? 0).toBeLessThanOrEqual(historyLength);
    }
  });
});

describe('a run that starts from an image', () => {
  const from = (strength: number, changes: Partial<PlannedSettings> = {}) =>
    plan({ ...changes, start: { strength, draws: 1 } });

  it('runs ⌊N·strength⌋ steps, in the arithmetic of doubles', () => {
    // 50·0.58 is 28.999….
    for (const [strength, run] of [
      [0.58, 28],
      [0.5, 25],
      [0.02, 1],
      [1, 50],
    ] as const)
      expect(from(strength, { steps: 50 }).steps).toBe(run);
    expect(() => from(0.019, { steps: 50 })).toThrow(/none of the steps/);
  });

  it('begins with the image at the noise of its first step, after the encoder’s draw', () => {
    const whole = plan({ steps: 8 });
    const half = from(0.5, { steps: 8 });
    expect(half.records.map(({ coefficients }) => coefficients.timestep)).toEqual(
      whole.records.slice(4).map(({ coefficients }) => coefficients.timestep),
    );
    expect(half.init).toEqual({ sample: 1, noise: half.records[0]!.coefficients.sigma, draw: 1, draws: 2 });
    const { init } = from(0.5, { scheduler: 'ddim' });
    expect(Math.hypot(init.sample, init.noise)).toBeCloseTo(1, 12);
    expect(from(1).init.sample).toBe(1);
    expect(whole.init).toMatchObject({ sample: 0, draw: 0, draws: 1 });
    expect(whole.records.map(({ known }) => known)).toEqual(whole.records.map(() => null));
  });
});

describe('a run with a mask', () => {
  const masked = (mask: 'blended' | 'read', strength: number, changes: Partial<PlannedSettings> = {}) =>
    plan({ steps: 8, ...changes, start: { strength, draws: 1, mask } });

  it('draws as diffusers does: image, noise, masked image, then the steps’ own', () => {
    const drawn = (of: ReturnType<typeof plan>) => [of.init.draw, of.init.draws, of.records[0]!.noiseDraw];
    expect(drawn(masked('blended', 0.5, { scheduler: 'euler-a' }))).toEqual([1, 3, 3]);
    expect(drawn(masked('blended', 1, { scheduler: 'euler-a' }))).toEqual([1, 3, 3]);
    expect(drawn(masked('read', 0.5, { scheduler: 'euler-a' }))).toEqual([1, 3, 3]);
    // The image itself is not read then.
    expect(drawn(masked('read', 1, { scheduler: 'euler-a' }))).toEqual([0, 2, 2]);
    const still = plan({ steps: 8, scheduler: 'euler-a', start: { strength: 1, draws: 0, mask: 'read' } });
    expect(drawn(still)).toEqual([0, 1, 1]);
  });

  it('begins with noise alone at a strength of 1', () => {
    for (const mask of ['blended', 'read'] as const) {
      expect(masked(mask, 1).init).toMatchObject({ sample: 0, noise: plan({ steps: 8 }).init.noise });
      expect(masked(mask, 0.5).init.sample).toBe(1);
    }
  });

  it.each(SCHEDULER_IDS)('with %s blends behind each record what is known at the level of the next', (scheduler) => {
    const { records } = masked('blended', 0.5, { scheduler });
    for (const [at, { known }] of records.entries()) {
      const next = records[at + 1]?.coefficients;
      expect(known).toEqual(next ? noisedAs(next) : { sample: 1, noise: 0 });
    }
    const levels = records.map(({ known }) => known!.noise / known!.sample);
    expect(levels.toSorted((a, b) => b - a)).toEqual(levels);
    expect(masked('read', 0.5, { scheduler }).records.every(({ known }) => known === null)).toBe(true);
  });
});

it('names what cannot be served', () => {
  expect(() => plan({ steps: 2000 })).toThrow(/2000/);
  expect(() => plan({ steps: 4 }, { scheduler: { ...SD, prediction_type: 'flow' } })).toThrow(/prediction_type/);
});
