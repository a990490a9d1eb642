// Spacings against what they are defined by; equality with diffusers is tested with the schedulers.

import { expect, it } from 'vitest';
import { betaQuantile } from './betaQuantile';
import { makeStepTable } from './schedulers';
import { chooseSigmas, spreadSigmas } from './sigmas';

const config = {
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  clip_sample: false,
};

it('quantiles of the arcsine distribution (a = b = ½) are sin²(πp/2), and those of a = 1 or b = 1 are roots', () => {
  for (const p of [1e-6, 0.01, 0.3, 0.5, 0.77, 0.999]) {
    expect(Math.abs(betaQuantile(p, 0.5, 0.5) - Math.sin((Math.PI * p) / 2) ** 2)).toBeLessThan(1e-13);
    expect(Math.abs(betaQuantile(p, 2.5, 1) - p ** (1 / 2.5))).toBeLessThan(1e-13);
    expect(Math.abs(betaQuantile(p, 1, 3) - (1 - (1 - p) ** (1 / 3)))).toBeLessThan(1e-13);
  }
  expect([betaQuantile(0, 0.6, 0.6), betaQuantile(1, 0.6, 0.6)]).toEqual([0, 1]);
});

it('every spacing goes from the largest to the smallest, and a single step is at the largest', () => {
  for (const spacing of ['karras', 'exponential', 'beta'] as const) {
    const sigmas = spreadSigmas(spacing, 9, 14.6, 0.03);
    expect(sigmas[0]).toBeCloseTo(14.6, 10);
    expect(sigmas[8]).toBeCloseTo(0.03, 10);
    sigmas.slice(1).forEach((sigma, i) => expect(sigma).toBeLessThan(sigmas[i]!));
    expect(spreadSigmas(spacing, 1, 14.6, 0.03)[0]).toBeCloseTo(14.6, 10);
  }
});

it('exponential is even in ln σ', () => {
  const logs = spreadSigmas('exponential', 9, 14.6, 0.03).map(Math.log);
  for (let i = 2; i < 9; i += 1) expect(logs[i]! - logs[i - 1]!).toBeCloseTo(logs[1]! - logs[0]!, 10);
});

it('SGM uniform starts at the noisiest timestep and ends one even stride above the cleanest', () => {
  const { steps } = makeStepTable('euler', config, 4, { sigmas: 'sgm-uniform', spacing: 'model' });
  steps.forEach(({ timestep }, i) => expect(timestep).toBeCloseTo(999 * (1 - i / 4), 9));
  const whole = makeStepTable('dpmpp-2m', config, 4, { sigmas: 'sgm-uniform', spacing: 'model' }).steps;
  expect(whole.map(({ timestep }) => timestep)).toEqual([999, 749, 500, 250]);
});

it('“model” takes what the config says, and a choice goes before it', () => {
  expect(chooseSigmas('model', {})).toBeNull();
  expect(chooseSigmas('model', { use_karras_sigmas: true })).toBe('karras');
  expect(chooseSigmas('model', { use_exponential_sigmas: true })).toBe('exponential');
  expect(chooseSigmas('model', { use_beta_sigmas: true })).toBe('beta');
  expect(chooseSigmas('exponential', { use_karras_sigmas: true })).toBe('exponential');
});

it("a chosen spread is Euler's for Euler ancestral, which in diffusers has none; the flag is ignored as there", () => {
  const sigmas = (id: 'euler' | 'euler-a', choice: 'model' | 'karras', use_karras_sigmas = false) =>
    makeStepTable(id, { ...config, use_karras_sigmas }, 6, { sigmas: choice, spacing: 'model' }).steps.map(
      ({ sigma }) => sigma,
    );
  expect(sigmas('euler-a', 'karras')).toEqual(sigmas('euler', 'karras'));
  expect(sigmas('euler-a', 'model', true)).toEqual(sigmas('euler', 'model'));
  expect(sigmas('euler', 'model', true)).toEqual(sigmas('euler', 'karras'));
});

it("a chosen timestep spacing goes before the config's", () => {
  const timesteps = (spacing: 'model' | 'trailing') =>
    makeStepTable('ddim', { ...config, timestep_spacing: 'leading' }, 4, { sigmas: 'model', spacing }).steps.map(
      ({ timestep }) => timestep,
    );
  expect(timesteps('model')).toEqual([750, 500, 250, 0]);
  expect(timesteps('trailing')).toEqual([999, 749, 499, 249]);
});
