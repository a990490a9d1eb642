// The scale of each step against the figures of the systems whose formulas these are, and at the windows' edges.

import { describe, expect, it } from 'vitest';
import { PLAIN_PAG, type AdaptiveScale, type PagWindow } from './options';
import { pagScaleAt, pagScales } from './pagScale';
import { makeStepTable } from './schedulers';
import type { StepTable } from './types';

const place = { index: 0, count: 20, opened: 0, timestep: 500, sigma: 1 };
const active = (window: PagWindow, count: number) =>
  Array.from({ length: count }, (_, index) => index).filter(
    (index) => pagScaleAt(3, { ...PLAIN_PAG, window }, { ...place, index, count }) !== 0,
  );
const inSigma = (start: number, stop: number, sigma: number) =>
  pagScaleAt(3, { ...PLAIN_PAG, window: { semantics: 'sigma', start, stop } }, { ...place, sigma }) === 3;

describe('adaptive scale', () => {
  const at = (adaptive: AdaptiveScale, timestep: number) =>
    pagScaleAt(3, { ...PLAIN_PAG, adaptive }, { ...place, timestep });
  const timesteps = [981, 801, 501, 201, 1];

  it("falls as diffusers' does", () => {
    const figures = [2.943, 2.403, 1.503, 0.603, 0.003];
    timesteps.forEach((t, i) => expect(at({ semantics: 'diffusers', amount: 0.003 }, t)).toBeCloseTo(figures[i]!, 12));
  });

  it("falls as pamparamm's does", () => {
    const figures = [2.9943, 2.9403, 2.8503, 2.7603, 2.7003];
    timesteps.forEach((t, i) => expect(at({ semantics: 'pamparamm', amount: 0.1 }, t)).toBeCloseTo(figures[i]!, 12));
  });

  it('never falls below 0', () => {
    expect(at({ semantics: 'diffusers', amount: 1 }, 1)).toBe(0);
    expect(at({ semantics: 'pamparamm', amount: 1 }, 1)).toBe(0);
  });
});

describe('windows', () => {
  it("the guider's defaults are active on steps 1 to 3 of 20", () => {
    expect(active({ semantics: 'guider', start: 0.01, stop: 0.2 }, 20)).toEqual([1, 2, 3]);
  });

  it("Forge's .2 to .8 is active on steps 5 to 16 of 20, which it counts as 4 to 15; 0 to 1 on all", () => {
    expect(active({ semantics: 'forge', start: 0.2, stop: 0.8 }, 20)).toEqual([
      5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    ]);
    expect(active({ semantics: 'forge', start: 0, stop: 0 }, 20)).toEqual([0, 1]);
    expect(active({ semantics: 'forge', start: 0, stop: 1 }, 20)).toHaveLength(20);
    expect(active({ semantics: 'forge', start: 0, stop: 1 }, 1)).toEqual([0]);
  });

  it('of steps take both ends, in steps of which the first two are 0', () => {
    expect(active({ semantics: 'steps', start: 4, stop: 15 }, 20)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    expect(active({ semantics: 'steps', start: 1, stop: 1 }, 20)).toEqual([2]);
    expect(active({ semantics: 'steps', start: 0, stop: 150 }, 20)).toHaveLength(20);
  });

  it('of sigmas take their start and leave out their end; a negative bound is none', () => {
    expect([1, 1.5, 5, 5.01].map((sigma) => inSigma(5, 1, sigma))).toEqual([false, true, true, false]);
    expect([0.01, 5, 5.01].map((sigma) => inSigma(5, -1, sigma))).toEqual([true, true, false]);
    expect([1, 1.5, 1000].map((sigma) => inSigma(-1, 1, sigma))).toEqual([false, true, true]);
  });
});

it('attenuation takes the same part of s off at each step, down to 0', () => {
  const scales = [0, 1, 2, 3, 4, 5].map((opened) =>
    pagScaleAt(3, { ...PLAIN_PAG, attenuation: 25 }, { ...place, opened }),
  );
  expect(scales).toEqual([3, 2.25, 1.5, 0.75, 0, 0]);
});

it('attenuation counts from the first step of the window', () => {
  const table = makeStepTable('euler', { beta_schedule: 'scaled_linear' }, 8, { sigmas: 'model', spacing: 'leading' });
  const scales = (window: PagWindow) => pagScales(4, { ...PLAIN_PAG, attenuation: 25, window }, table);
  expect(scales({ semantics: 'steps', start: 2, stop: 4 })).toEqual([0, 0, 0, 4, 3, 2, 0, 0]);
  expect(scales({ semantics: 'steps', start: 0, stop: 2 })).toEqual([4, 3, 2, 1, 0, 0, 0, 0]);
});

it('the two records of a step share its index, but not σ and timestep', () => {
  const config = { num_train_timesteps: 1000, beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };
  const table = makeStepTable('heun', config, 4, { sigmas: 'model', spacing: 'leading' });
  const scales = (options: Partial<typeof PLAIN_PAG>) => pagScales(3, { ...PLAIN_PAG, ...options }, table);
  expect(table.steps.map(({ step }) => step)).toEqual([0, 0, 1, 1, 2, 2, 3]);
  expect(scales({ attenuation: 25 })).toEqual([3, 3, 2.25, 2.25, 1.5, 1.5, 0.75]);
  // Steps 1 and 2 of 4 for the guider's 0 to .75, step 3 (2 of 3 as it is counted there) for Forge's .5 to 1.
  expect(scales({ window: { semantics: 'guider', start: 0, stop: 0.75 } })).toEqual([0, 0, 3, 3, 3, 3, 0]);
  expect(scales({ window: { semantics: 'forge', start: 0.5, stop: 1 } })).toEqual([0, 0, 0, 0, 0, 0, 3]);
  expect(scales({ window: { semantics: 'forge', start: 0.3, stop: 1 }, attenuation: 25 })).toEqual([
    0, 0, 0, 0, 3, 3, 2.25,
  ]);
  // The timesteps are 750, 500, 500, 250, 250, 0, 0, and σ is 1.62 at 500.
  expect(scales({ window: { semantics: 'sigma', start: -1, stop: 2 } })).toEqual([3, 0, 0, 0, 0, 0, 0]);
  scales({ adaptive: { semantics: 'diffusers', amount: 0.002 } }).forEach((scale, i) =>
    expect(scale).toBeCloseTo(3 - 0.002 * (1000 - [750, 500, 500, 250, 250, 0, 0][i]!), 12),
  );
});

it('a table gives each step its place: its timestep, sigma and index; plain PAG is constant', () => {
  const table: StepTable = {
    initNoiseSigma: 1,
    steps: [981, 500.5, 1].map((timestep, step) => ({
      step,
      timestep,
      sigma: timestep / 100,
      inputScale: 1,
      denoised: { sample: 1, prediction: -1 },
      next: { sample: 1 },
    })),
  };
  expect(pagScales(3, PLAIN_PAG, table)).toEqual(table.steps.map(() => 3));
  const adaptive = { semantics: 'diffusers', amount: 0.002 } as const;
  const scales = pagScales(3, { ...PLAIN_PAG, adaptive }, table);
  scales.forEach((scale, i) => expect(scale).toBeCloseTo(3 - 0.002 * (1000 - table.steps[i]!.timestep), 12));
  const window = { semantics: 'sigma', start: 9, stop: 2 } as const;
  expect(pagScales(3, { ...PLAIN_PAG, window }, table)).toEqual([0, 3, 0]);
  const early = { semantics: 'forge', start: 0, stop: 0.5 } as const;
  expect(pagScales(3, { ...PLAIN_PAG, window: early }, table)).toEqual([3, 3, 3]);
  expect(pagScales(0, { ...PLAIN_PAG, adaptive }, table)).toEqual(table.steps.map(() => 0));
});
