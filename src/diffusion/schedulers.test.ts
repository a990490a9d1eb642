// Trajectories of the schedulers against diffusers' own classes, run on the same noise and the same model.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeTrainSchedule } from './betas';
import { readConfig } from './config';
import { spreadSigmas } from './sigmas';
import type { SigmaSpacing } from './options';
import type { SchedulerId } from './schedulers';
import { TorchGenerator } from './noise';
import { SCHEDULERS, makeStepTable } from './schedulers';
import { countSteps, needsNoise } from './stepTable';
import type { SchedulerConfig, StepCoefficients, StepFactors, StepTable } from './types';

interface Run {
  scheduler: SchedulerId;
  config: string;
  sigmas: SigmaSpacing;
  steps: number;
  initNoiseSigma: number;
  timesteps: number[];
  /** After each call of the model. */
  latents: number[][];
}
interface Goldens {
  noise: number[];
  configs: Record<string, SchedulerConfig>;
  runs: Run[];
  /** Σ (i + 1)·tᵢ modulo 65521 for 1, 2, … 1000 steps; null where no table is possible. */
  timestepSums: { scheduler: SchedulerId; spacing: string; offset: number; sums: (number | null)[] }[];
}

/**
 * Relative to the largest latent of the same record, and at least to 1; diffusers computes in f32, this in f64. Where a
 * run begins with latents of thousands (zero terminal SNR in σ), diffusers' differences of them keep a rounding error.
 */
const TOLERANCE = 1e-5;
const ROUNDING = 2 ** -24;

/** Schedulers whose timesteps may lie between those of training. */
const FRACTIONAL = new Set<SchedulerId>(['euler', 'euler-a', 'heun', 'lms', 'dpmpp-sde']);

const goldens = JSON.parse(
  readFileSync(new URL('../../fixtures/diffusion/schedulers.json', import.meta.url), 'utf8'),
) as Goldens;

/** The model of the goldens: prediction of every element at a timestep. */
const model = (input: number[], timestep: number) =>
  input.map((value, i) => Math.sin(0.7 * value + 0.003 * timestep + i));

/** A record in f64, as types.ts defines it. */
function execute(
  { denoised, clip = Infinity, next, keep = {} }: StepCoefficients,
  x: number,
  prediction: number,
  z: number,
  history: number[],
) {
  const estimate = Math.min(Math.max(denoised.sample * x + denoised.prediction * prediction, -clip), clip);
  const sum = (factors: StepFactors) =>
    (factors.sample ?? 0) * x +
    (factors.prediction ?? 0) * prediction +
    (factors.denoised ?? 0) * estimate +
    (factors.noise ?? 0) * z;
  // What is read before it was kept is undefined, and would show as NaN.
  const past = (next.history ?? []).reduce(
    (total, factor, k) => (factor === 0 ? total : total + factor * history[k]!),
    0,
  );
  return { estimate, next: sum(next) + past, kept: sum(keep) };
}

/** The latents after each record, from the noise of seed 7 on. */
function trajectory({ initNoiseSigma, steps }: StepTable): number[][] {
  const generator = new TorchGenerator(7);
  let x = Array.from(generator.randn(2), (z) => z * initNoiseSigma);
  const history: number[][] = [[], []];
  return steps.map((record) => {
    const prediction = model(
      x.map((value) => value * record.inputScale),
      record.timestep,
    );
    const draws = record.next.noise || record.keep?.noise ? [...generator.randn(2)] : [0, 0];
    x = x.map((value, i) => {
      const done = execute(record, value, prediction[i]!, draws[i]!, history[i]!);
      history[i]!.unshift(done.kept);
      return done.next;
    });
    return x;
  });
}

/** The largest difference of any latent, relative to what it is held to. */
function worstError(run: Run): number {
  const table = makeStepTable(run.scheduler, goldens.configs[run.config]!, run.steps, {
    sigmas: run.sigmas,
    spacing: 'model',
  });
  const latents = trajectory(table);
  const start = Math.max(...goldens.noise.map(Math.abs)) * run.initNoiseSigma;
  return Math.max(
    ...run.latents.map((golden, i) => {
      const scale = Math.max(1, ...golden.map(Math.abs), (start * ROUNDING) / TOLERANCE);
      return Math.max(...golden.map((value, k) => Math.abs(latents[i]![k]! - value))) / scale;
    }),
  );
}

describe('equals diffusers', () => {
  for (const run of goldens.runs) {
    it(`${run.scheduler}${run.sigmas === 'model' ? '' : ` ${run.sigmas}`}, ${run.config}, ${run.steps} steps`, () => {
      const table = makeStepTable(run.scheduler, goldens.configs[run.config]!, run.steps, {
        sigmas: run.sigmas,
        spacing: 'model',
      });
      expect(Math.abs(table.initNoiseSigma / run.initNoiseSigma - 1)).toBeLessThanOrEqual(1e-6);
      expect(table.steps).toHaveLength(run.timesteps.length);
      expect(countSteps(table)).toBe(run.steps);
      run.timesteps.forEach((golden, i) => {
        // Whole timesteps exactly; fractional ones are f32 in diffusers: 6·10⁻⁵ apart near 1000.
        const slack = FRACTIONAL.has(run.scheduler) ? 1e-4 : 0;
        expect(Math.abs(table.steps[i]!.timestep - golden), `timestep ${i}`).toBeLessThanOrEqual(slack);
      });
      expect(worstError(run)).toBeLessThanOrEqual(TOLERANCE);
    });
  }
});

// npx vitest run --project unit --reporter=verbose src/diffusion/schedule.test.ts -t "worst error"
describe('the worst error', () => {
  const ids = [...new Set(goldens.runs.map(({ scheduler }) => scheduler))];

  for (const id of ids) {
    it(`of ${id}`, async ({ annotate }) => {
      const errors = goldens.runs.filter(({ scheduler }) => scheduler === id).map(worstError);
      const worst = Math.max(...errors);
      await annotate(`${id}: ${worst.toExponential(1)} over ${errors.length} trajectories`);
      expect(worst).toBeLessThanOrEqual(TOLERANCE);
    });
  }
});

describe('turbo spacing', () => {
  const make = (steps: number) =>
    makeStepTable('euler', goldens.configs['sd15']!, steps, { sigmas: 'model', spacing: 'turbo' });

  it('is the head of ten even steps from the last timestep, as in ComfyUI', () => {
    expect(make(4).steps.map(({ timestep }) => timestep)).toEqual([999, 899, 799, 699]);
    expect(make(10).steps.at(-1)!.timestep).toBe(99);
    expect(make(1).steps[0]!.sigma).toBeCloseTo(14.6146412, 4);
  });

  it('has no eleventh', () => {
    expect(() => make(11)).toThrow(/11 steps are too many for timestep_spacing "turbo"/);
  });
});

/** All that the page takes, those at the end of the training schedule, and some between: long tables take long. */
const COUNTED = (steps: number) => steps <= 150 || steps % 50 === 0 || steps > 990;

describe('timesteps equal those of diffusers for every number of steps', () => {
  for (const { scheduler, spacing, offset, sums } of goldens.timestepSums) {
    it(`${scheduler}, ${spacing}, offset ${offset}`, () => {
      const config = { ...goldens.configs['sd15']!, timestep_spacing: spacing, steps_offset: offset };
      const wrong = sums.filter((golden, i) => {
        if (!COUNTED(i + 1)) return false;
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
    const sigmas = spreadSigmas('karras', 9, 14.6, 0.03);
    expect(sigmas[0]).toBeCloseTo(14.6, 12);
    expect(sigmas[8]).toBeCloseTo(0.03, 12);
    const roots = sigmas.map((sigma) => sigma ** (1 / 7));
    for (let i = 2; i < 9; i++) {
      expect(roots[i]! - roots[i - 1]!).toBeCloseTo(roots[1]! - roots[0]!, 12);
    }
  });
});

describe('every table', () => {
  const ids = [...new Set(goldens.runs.map(({ scheduler }) => scheduler))];

  it('is of a scheduler that the goldens have', () => {
    expect(ids).toHaveLength(12);
  });

  it.each(ids)('of %s reads noise where its row says so', (id) => {
    const { steps } = makeStepTable(id, goldens.configs['sd15']!, 4, { sigmas: 'model', spacing: 'model' });
    expect(steps.some(needsNoise)).toBe(SCHEDULERS[id].drawsNoise ?? false);
  });

  for (const id of ids) {
    for (const prediction_type of ['epsilon', 'v_prediction']) {
      // PLMS takes the mean of v at several timesteps, which is not that of any: exact for none but ε.
      if (id === 'pndm' && prediction_type === 'v_prediction') continue;
      it(`${id}, ${prediction_type}: a perfect model's x₀ comes out, at every number of steps`, () => {
        // The model that knows x₀ = 0.3 and ε = −1.2: all of D is x₀, whatever x is, and the last step ends on it
        // (with set_alpha_to_one, so that the end is free of noise).
        const config = { ...goldens.configs['sd15']!, prediction_type, set_alpha_to_one: true };
        const [clean, noise] = [0.3, -1.2];
        for (const steps of [1, 2, 3, 10]) {
          const table = makeStepTable(id, config, steps, { sigmas: 'model', spacing: 'model' });
          const history: number[] = [];
          let x = NaN;
          table.steps.forEach((record, i) => {
            const { sigma, inputScale } = record;
            const alpha = 1 / Math.hypot(sigma, 1);
            if (i === 0) x = inputScale === 1 ? alpha * (clean + sigma * noise) : clean + sigma * noise;
            // The model sees latents of unit variance.
            const input = inputScale * x;
            const epsilon = (input - alpha * clean) / (sigma * alpha);
            const prediction = prediction_type === 'epsilon' ? epsilon : alpha * epsilon - sigma * alpha * clean;
            const done = execute(record, x, prediction, 0, history);
            expect(done.estimate).toBeCloseTo(clean, 5);
            history.unshift(done.kept);
            x = done.next;
          });
          expect(x).toBeCloseTo(clean, 5);
        }
      });
    }
  }
});

describe('what cannot be served is refused by name', () => {
  const config = goldens.configs['sd15']!;
  const make =
    (id: SchedulerId, changes: object, steps = 5) =>
    () =>
      makeStepTable(id, { ...config, ...changes }, steps, { sigmas: 'model', spacing: 'model' });

  it.each([
    ['ddim', { beta_schedule: 'sigmoid' }, /beta_schedule = "sigmoid".*DDIM/],
    ['euler-a', { prediction_type: 'sample' }, /prediction_type = "sample".*Euler a/],
    ['dpmpp-2m', { timestep_spacing: 'random' }, /timestep_spacing = "random".*DPM\+\+ 2M/],
    ['ddim', { clip_sample: true, clip_sample_range: 0 }, /clip_sample_range must be above 0/],
    ['ddim', { thresholding: true }, /thresholding = true/],
    ['dpmpp-2m', { thresholding: true }, /thresholding = true/],
    ['dpmpp-2m', { solver_order: 3 }, /solver_order = 3/],
    ['unipc', { solver_order: 4 }, /solver_order = 4/],
    ['unipc', { solver_type: 'bh1' }, /solver_type = "bh1"/],
    ['unipc', { disable_corrector: [0] }, /disable_corrector = \[0\]/],
    ['unipc', { predict_x0: false }, /predict_x0 = false/],
    ['pndm', { skip_prk_steps: false }, /skip_prk_steps = false/],
    ['ddpm', { variance_type: 'learned_range' }, /variance_type = "learned_range"/],
    ['lcm', { original_inference_steps: 4 }, /5 steps are too many for LCM: the model was distilled on 4/],
    ['lcm', { original_inference_steps: 0 }, /original_inference_steps must be a whole number, 1 to 1000, not 0/],
    ['dpmpp-2m', { final_sigmas_type: 'sigma_min' }, /final_sigmas_type = "sigma_min"/],
    ['euler', { final_sigmas_type: 'sigma_min' }, /final_sigmas_type = "sigma_min"/],
    [
      'ddim',
      { rescale_betas_zero_snr: true, timestep_spacing: 'trailing' },
      /timestep 999 nothing of the image is left/,
    ],
    ['euler', { trained_betas: [0.1, 0.2] }, /trained_betas = \[0.1,0.2\]/],
    ['euler', { num_train_timesteps: 0 }, /num_train_timesteps must be a whole number, at least 2, not 0/],
    ['euler', { steps_offset: -1 }, /steps_offset must be a whole number/],
    ['ddim', { beta_end: 1.5 }, /beta_end = 1.5/],
    ['ddim', { beta_start: NaN }, /beta_start = NaN/],
  ] as [SchedulerId, object, RegExp][])('%s with %o', (id, changes, message) => {
    expect(make(id, {})).not.toThrow();
    expect(make(id, { disable_corrector: [] })).not.toThrow();
    expect(make(id, changes)).toThrow(message);
  });

  it.each([0, -1, 2.5, NaN, Infinity, 1001])('%d steps', (steps) => {
    for (const id of new Set(goldens.runs.map(({ scheduler }) => scheduler))) {
      expect(make(id, {}, steps)).toThrow(/number of steps must be a whole number, 1 to 1000/);
    }
  });

  it('ignores the fields of other schedulers, as diffusers does', () => {
    expect(make('euler', { clip_sample: true, thresholding: true, solver_order: 3 })).not.toThrow();
    expect(make('ddim', { solver_order: 3, interpolation_type: 'log_linear' })).not.toThrow();
    expect(make('dpmpp-2m', { algorithm_type: 'sde-dpmsolver++', disable_corrector: [0] })).not.toThrow();
  });
});
