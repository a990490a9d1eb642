// DPM-Solver++ 2M (Lu et al., arXiv 2211.01095, algorithm 2, midpoint), as diffusers'
// DPMSolverMultistepScheduler runs it with solver_order 2. The latents keep unit variance: with the noise
// level σ of x₀ + σ·ε, α = 1/√(σ² + 1), β = σ·α, λ = −ln σ and h = λ′ − λ,
//
//   epsilon        D = (x − β·prediction) / α
//   v_prediction   D = α·x − β·prediction
//   first order    x′ = (β′/β)·x + α′(1 − e⁻ʰ)·D
//   second order   D + (D − D₋₁)/(2r) in the place of D,   r = h₋₁/h
//
// e⁻ʰ = σ′/σ. The first step has no D₋₁ and the last one goes to σ′ = 0 (h = ∞): both are of first order.
// Because of that zero, diffusers' lower_order_final and euler_at_final make no difference at order 2.

import { makeTrainSchedule, type TrainSchedule } from './betas';
import { readConfig, type ConfigReader, type ReadConfig } from './config';
import { timestepOfSigma } from './karras';
import { chooseSigmas, spreadSigmas, type ChosenSigmas } from './sigmas';
import { roundHalfEven, spaceTimesteps, uniformTimesteps } from './timesteps';
import type { ScheduleOptions, SchedulerConfig, StepCoefficients, StepTable } from './types';

const READER: ConfigReader = {
  scheduler: 'DPM++ 2M',
  spacing: 'linspace',
  follows: {
    thresholding: [false],
    algorithm_type: ['dpmsolver++', 'deis'], // diffusers reads the second as the first,
    solver_order: [2],
    solver_type: ['midpoint', 'logrho', 'bh1', 'bh2'], // and the last three as midpoint
    final_sigmas_type: ['zero'],
    lambda_min_clipped: [-Infinity],
    variance_type: [null],
    use_lu_lambdas: [false],
    use_flow_sigmas: [false],
  },
};

export function dpmpp2m(config: SchedulerConfig, steps: number, options: ScheduleOptions): StepTable {
  const read = readConfig(config, steps, READER);
  const train = makeTrainSchedule(read);
  const { timesteps, sigmas } = placeSteps(config, read, train, steps, chooseSigmas(options.sigmas, config));

  return {
    initNoiseSigma: 1,
    steps: timesteps.map((timestep, i) => {
      const sigma = sigmas[i]!;
      const alpha = 1 / Math.hypot(sigma, 1);
      return {
        timestep,
        inputScale: 1,
        sigma,
        denoised:
          read.predictionType === 'epsilon'
            ? { sample: 1 / alpha, prediction: -sigma }
            : { sample: alpha, prediction: -sigma * alpha },
        next: nextFactors(sigmas[i - 1], sigma, sigmas[i + 1] ?? 0),
      };
    }),
  };
}

function nextFactors(previous: number | undefined, sigma: number, next: number): StepCoefficients['next'] {
  const nextAlpha = 1 / Math.hypot(next, 1);
  const sample = (next * nextAlpha * Math.hypot(sigma, 1)) / sigma;
  const whole = nextAlpha * (1 - next / sigma);
  if (previous === undefined || next === 0) {
    return { sample, denoised: whole, previousDenoised: 0, noise: 0 };
  }
  const extrapolation = Math.log(sigma / next) / (2 * Math.log(previous / sigma)); // 1/(2r)
  return {
    sample,
    denoised: whole * (1 + extrapolation),
    previousDenoised: -whole * extrapolation,
    noise: 0,
  };
}

/**
 * Where the steps lie. Spread σ cover the whole training schedule and are not moved, though the model's timesteps
 * are whole: diffusers rounds Karras' ones (but not with the cosine schedule) and cuts the others.
 */
function placeSteps(config: SchedulerConfig, read: ReadConfig, train: TrainSchedule, steps: number, choice: ChosenSigmas) {
  if (choice === null || choice === 'sgm-uniform') {
    const timesteps = choice === null
      ? spaceTimesteps(read, steps, { extraPoint: true, whole: true })
      : uniformTimesteps(read, steps).map(roundHalfEven);
    return { timesteps, sigmas: timesteps.map((timestep) => train.sigmas[timestep]!) };
  }
  const sigmaMax = config.sigma_max ?? train.sigmas[read.trainTimesteps - 1]!;
  const sigmas = spreadSigmas(choice, steps, sigmaMax, config.sigma_min ?? train.sigmas[0]!);
  const toWhole = choice === 'karras' && read.betaSchedule !== 'squaredcos_cap_v2' ? roundHalfEven : Math.trunc;
  return { timesteps: sigmas.map((sigma) => toWhole(timestepOfSigma(sigma, train.sigmas))), sigmas };
}
