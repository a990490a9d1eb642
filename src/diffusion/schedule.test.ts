// Trajectories of the schedulers against diffusers' own classes, run on the same noise and the same model.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeTrainSchedule } from './betas';
import { readConfig } from './config';
import { karrasSigmas } from './karras';
import type { SchedulerId, SigmaSpacing } from './options';
import { makeStepTable } from './schedule';
import type { SchedulerConfig, StepTable } from './types';

interface Run {
  scheduler: SchedulerId;
  config: string;
  sigmas: SigmaSpacing;
  steps: number;
  initNoiseSigma: number;
  timesteps: number[];
  /** After each step. */
  latents: number[][];
}
interface Goldens {
  noise: number[];
  configs: Record<string, SchedulerConfig>;
  runs: Run[];
  /** Σ (i + 1)·tᵢ modulo 65521 for 1, 2, … 1000 steps; null where no table is possible. */
  timestepSums: { scheduler: SchedulerId; spacing: string; offset: number; sums: (number | null)[] }[];
}

/** Relative to max(1, |value|); diffusers computes in f32, this in f64. */
const TOLERANCE = 5e-6;

const goldens = JSON.parse(
  readFileSync(new URL('../../fixtures/diffusion/schedulers.json', import.meta.url), 'utf8'),
) as Goldens;

/** The model of the goldens: prediction of every element at a timestep. */
const model = (input: number[], timestep: number) =>
  input.map((value, i) => Math.sin(0.7 * value + 0.003 * timestep + i));

/** Executes a table in f64, as types.ts defines it. Returns the latents after each step. */
function execute({ initNoiseSigma, steps }: StepTable, noise: number[]): number[][] {
  let x = noise.map((z) => z * initNoiseSigma);
  let previousDenoised = x.map(() => NaN); // read before the first estimate: would show
  return steps.map(({ inputScale, timestep, denoised, next }) => {
    const prediction = model(
      x.map((value) => value * inputScale),
      timestep,
    );
    const estimate = x.map((value, i) => denoised.sample * value + denoised.prediction * prediction[i]!);
    x = x.map((value, i) => {
      const previous = next.previousDenoised === 0 ? 0 : next.previousDenoised * previousDenoised[i]!;
      return next.sample * value + next.denoised * estimate[i]! + previous;
    });
    previousDenoised = estimate;
    return x;
  });
}

describe('equals diffusers', () => {
  for (const run of goldens.runs) {
    it(`${run.scheduler}${run.sigmas === 'model' ? '' : ` ${run.sigmas}`}, ${run.config}, ${run.steps} steps`, () => {
      const table = makeStepTable(run.scheduler, goldens.configs[run.config]!, run.steps, { sigmas: run.sigmas, spacing: 'model' });
      const latents = execute(table, goldens.noise);
      expect(Math.abs(table.initNoiseSigma / run.initNoiseSigma - 1)).toBeLessThanOrEqual(1e-6);
      expect(table.steps).toHaveLength(run.timesteps.length);
      run.timesteps.forEach((golden, i) => {
        // Whole timesteps exactly; Euler's may be fractional, and f32 in diffusers: 6·10⁻⁵ apart near 1000.
        const slack = run.scheduler === 'euler' ? 1e-4 : 0;
        expect(Math.abs(table.steps[i]!.timestep - golden), `timestep ${i}`).toBeLessThanOrEqual(slack);
      });
      run.latents.flat().forEach((golden, k) => {
        const error = Math.abs(latents.flat()[k]! - golden) / Math.max(1, Math.abs(golden));
        expect(error, `latent ${k}`).toBeLessThanOrEqual(TOLERANCE);
      });
    });
  }
});

describe('timesteps equal those of diffusers for every number of steps', () => {
  for (const { scheduler, spacing, offset, sums } of goldens.timestepSums) {
    it(`${scheduler}, ${spacing}, offset ${offset}`, () => {
      const config = { ...goldens.configs['sd15']!, timestep_spacing: spacing, steps_offset: offset };
      const wrong = sums.filter((golden, i) => {
        const make = () => makeStepTable(scheduler, config, i + 1, { sigmas: 'model', spacing: 'model' });
        if (golden === null) {
          expect(make).toThrow(/steps are too many for timestep_spacing/);
          return false;
        }
        const sum = make().steps.reduce((total, { timestep }, k) => total + (k + 1) * timestep, 0);
        return sum % 65521 !== golden;
      });
      expect(sums).toHaveLength(1000);
      expect(wrong).toEqual([]);
    });
  }
});

describe('the noise schedule of Stable Diffusion', () => {
  it('has the noise levels of the published one', () => {
    const read = readConfig(goldens.configs['sd15']!, 1, { scheduler: 'test', spacing: 'leading', follows: {} });
    const { sigmas } = makeTrainSchedule(read);
    // Computed in f64 from √β linear between √.00085 and √.012; f32 storage moves the smallest most.
    const published = { 999: 14.6146412, 500: 1.6182788, 0: 0.0291672 };
    for (const [timestep, sigma] of Object.entries(published)) {
      expect(Math.abs(sigmas[Number(timestep)]! / sigma - 1)).toBeLessThanOrEqual(2e-5);
    }
  });

  it('is spaced by Karras from the largest to the smallest, evenly in the seventh root', () => {
    const sigmas = karrasSigmas(9, 14.6, 0.03);
    expect(sigmas[0]).toBeCloseTo(14.6, 12);
    expect(sigmas[8]).toBeCloseTo(0.03, 12);
    const roots = sigmas.map((sigma) => sigma ** (1 / 7));
    for (let i = 2; i < 9; i++) {
      expect(roots[i]! - roots[i - 1]!).toBeCloseTo(roots[1]! - roots[0]!, 12);
    }
  });
});

describe('every table', () => {
  const ids: SchedulerId[] = ['ddim', 'euler', 'dpmpp-2m'];
  for (const id of ids) {
    for (const prediction_type of ['epsilon', 'v_prediction']) {
      it(`${id}, ${prediction_type}: a perfect model's x₀ comes out, at every number of steps`, () => {
        // The model that knows x₀ = 0.3 and ε = −1.2: all of D is x₀, whatever x is, and the last step ends on it
        // (with set_alpha_to_one, so that the end is free of noise).
        const config = { ...goldens.configs['sd15']!, prediction_type, set_alpha_to_one: true };
        const [clean, noise] = [0.3, -1.2];
        for (const steps of [1, 2, 3, 10]) {
          const table = makeStepTable(id, config, steps, { sigmas: 'model', spacing: 'model' });
          const unitVariance = table.steps[0]!.inputScale === 1;
          let x = NaN;
          table.steps.forEach(({ sigma, inputScale, denoised, next }, i) => {
            const alpha = 1 / Math.hypot(sigma, 1);
            if (i === 0) x = unitVariance ? alpha * (clean + sigma * noise) : clean + sigma * noise;
            // The model sees latents of unit variance.
            const input = inputScale * x;
            const epsilon = (input - alpha * clean) / (sigma * alpha);
            const prediction = prediction_type === 'epsilon' ? epsilon : alpha * epsilon - sigma * alpha * clean;
            const estimate = denoised.sample * x + denoised.prediction * prediction;
            expect(estimate).toBeCloseTo(clean, 5);
            x = next.sample * x + (next.denoised + next.previousDenoised) * estimate;
          });
          expect(x).toBeCloseTo(clean, 5);
        }
      });
    }
  }
});

describe('what cannot be served is refused by name', () => {
  const config = goldens.configs['sd15']!;
  const make = (id: SchedulerId, changes: object, steps = 5) => () =>
    makeStepTable(id, { ...config, ...changes }, steps, { sigmas: 'model', spacing: 'model' });

  it.each([
    ['ddim', { beta_schedule: 'sigmoid' }, /beta_schedule = "sigmoid".*DDIM/],
    ['euler', { prediction_type: 'sample' }, /prediction_type = "sample".*Euler/],
    ['dpmpp-2m', { timestep_spacing: 'random' }, /timestep_spacing = "random".*DPM\+\+ 2M/],
    ['ddim', { clip_sample: true }, /clip_sample.*true/],
    ['ddim', { clip_sample: undefined }, /clip_sample.*nothing/],
    ['ddim', { thresholding: true }, /thresholding = true/],
    ['dpmpp-2m', { thresholding: true }, /thresholding = true/],
    ['dpmpp-2m', { solver_order: 3 }, /solver_order = 3/],
    ['dpmpp-2m', { algorithm_type: 'sde-dpmsolver++' }, /algorithm_type = "sde-dpmsolver\+\+"/],
    ['dpmpp-2m', { final_sigmas_type: 'sigma_min' }, /final_sigmas_type = "sigma_min"/],
    ['euler', { final_sigmas_type: 'sigma_min' }, /final_sigmas_type = "sigma_min"/],
    ['euler', { rescale_betas_zero_snr: true }, /rescale_betas_zero_snr = true/],
    ['euler', { trained_betas: [0.1, 0.2] }, /trained_betas = \[0.1,0.2\]/],
    ['euler', { num_train_timesteps: 0 }, /num_train_timesteps must be a whole number, at least 2, not 0/],
    ['euler', { steps_offset: -1 }, /steps_offset must be a whole number/],
    ['ddim', { beta_end: 1.5 }, /beta_end = 1.5/],
    ['ddim', { beta_start: NaN }, /beta_start = NaN/],
  ] as [SchedulerId, object, RegExp][])('%s with %o', (id, changes, message) => {
    expect(make(id, {})).not.toThrow();
    expect(make(id, changes)).toThrow(message);
  });

  it.each([0, -1, 2.5, NaN, Infinity, 1001])('%d steps', (steps) => {
    for (const id of ['ddim', 'euler', 'dpmpp-2m'] as const) {
      expect(make(id, {}, steps)).toThrow(/number of steps must be a whole number, 1 to 1000/);
    }
  });

  it('ignores the fields of other schedulers, as diffusers does', () => {
    expect(make('euler', { clip_sample: true, thresholding: true, solver_order: 3 })).not.toThrow();
    expect(make('ddim', { solver_order: 3, interpolation_type: 'log_linear' })).not.toThrow();
  });
});
