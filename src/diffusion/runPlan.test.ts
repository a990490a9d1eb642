// What a run will do, without any engine.

import { describe, expect, it } from 'vitest';
import { PLAIN_PAG } from './options';
import { planRun, type PlannedModel, type PlannedSettings } from './runPlan';
import { SCHEDULER_IDS } from './schedulers';

const SD = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', steps_offset: 1 };
const MODEL: PlannedModel = { scheduler: SD, guidanceEmbedded: false, strengths: [1] };
const SETTINGS: PlannedSettings = {
  scheduler: 'euler',
  sigmas: 'model',
  spacing: 'model',
  steps: 4,
  guidanceScale: 5,
  pagScale: 3,
  pag: PLAIN_PAG,
  compare: true,
};
const plan = (changes: Partial<PlannedSettings> = {}, model: Partial<PlannedModel> = {}) =>
  planRun({ ...SETTINGS, ...changes }, { ...MODEL, ...model });

describe('the rows of a run', () => {
  it('are four before the fork and five behind it for a pair with CFG, and the images share none of them', () => {
    const { images, base, records, rows, mostRows } = plan();
    expect(images).toBe(2);
    expect(base.map(({ image, context }) => [image, context])).toEqual([
      [0, 'uncond'],
      [0, 'cond'],
      [1, 'uncond'],
      [1, 'cond'],
    ]);
    expect(records[0]?.siteRows).toEqual([
      { source: 0, identity: 0 },
      { source: 1, identity: 0 },
      { source: 2, identity: 0 },
      { source: 3, identity: 0 },
      { source: 3, identity: 1 },
    ]);
    expect(records[0]?.weights).toEqual([
      [-4, 5, 0, 0, 0],
      [0, 0, -4, 8, -3],
    ]);
    expect([rows, mostRows]).toEqual([20, 5]);
  });

  it('are those of the image with PAG alone where nothing is compared', () => {
    const { images, base, mostRows } = plan({ compare: false });
    expect([images, base.length, mostRows]).toEqual([1, 2, 3]);
  });

  it('have no perturbed one outside a window, nor where no site is perturbed', () => {
    const pag = { ...PLAIN_PAG, window: { semantics: 'steps', start: 0, stop: 1 } } as const;
    expect(plan({ pag }).records.map(({ siteRows, pagScale }) => [siteRows.length, pagScale])).toEqual([
      [5, 3],
      [5, 3],
      [5, 3],
      [4, 0],
    ]);
    expect(plan({}, { strengths: [0] }).mostRows).toBe(4);
    expect(plan({}, { strengths: [] }).mostRows).toBe(4);
    expect(plan({ pagScale: 0 }).mostRows).toBe(4);
  });

  it('have no unconditional one where the UNet guides by itself', () => {
    expect(plan({}, { guidanceEmbedded: true }).base.map(({ context }) => context)).toEqual(['cond', 'cond']);
  });

  it('are combined first, one prediction an image, where guidance is no weighted sum', () => {
    const { records } = plan({ pag: { ...PLAIN_PAG, rescale: { mode: 'full', amount: 0.5 } } });
    expect(records[0]?.weights).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(records[0]?.nonlinear?.[1]).toMatchObject({ uncond: 2, cond: 3, perturbed: 4, pagScale: 3 });
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

  it('no record reads more history than is kept', () => {
    for (const { coefficients } of records) {
      expect(coefficients.next.history?.length ?? 0).toBeLessThanOrEqual(historyLength);
    }
  });
});

it('names what cannot be served', () => {
  expect(() => plan({ steps: 2000 })).toThrow(/2000/);
  expect(() => plan({ steps: 4 }, { scheduler: { ...SD, prediction_type: 'flow' } })).toThrow(/prediction_type/);
});
