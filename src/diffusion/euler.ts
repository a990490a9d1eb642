// Euler steps on the probability-flow ODE (Karras et al., arXiv 2206.00364, algorithm 1 without churn), as
// diffusers' EulerDiscreteScheduler runs them. The latents are x₀ + σ·ε, so the model's input is scaled:
//
//   input          x / √(σ² + 1)
//   epsilon        D = x − σ·prediction
//   v_prediction   D = x / (σ² + 1) − σ/√(σ² + 1)·prediction
//   step           x′ = x + (σ′ − σ)·(x − D)/σ = (σ′/σ)·x + (1 − σ′/σ)·D,   σ′ = 0 at the end

import { makeTrainSchedule, sigmaAt } from './betas';
import { readConfig, type ConfigReader } from './config';
import { timestepOfSigma } from './karras';
import { chooseSigmas, spreadSigmas } from './sigmas';
import { spaceTimesteps, uniformTimesteps } from './timesteps';
import type { ScheduleOptions, SchedulerConfig, StepTable } from './types';

const READER: ConfigReader = {
  scheduler: 'Euler',
  spacing: 'linspace',
  follows: {
    interpolation_type: ['linear'],
    timestep_type: ['discrete'],
    final_sigmas_type: ['zero'],
  },
};

export function euler(config: SchedulerConfig, steps: number, options: ScheduleOptions): StepTable {
  const read = readConfig(config, steps, READER);
  const train = makeTrainSchedule(read);
  const choice = chooseSigmas(options.sigmas, config);
  let timesteps = choice === 'sgm-uniform'
    ? uniformTimesteps(read, steps)
    : spaceTimesteps(read, steps, { extraPoint: false, whole: false });
  let sigmas = timesteps.map((timestep) => sigmaAt(train.sigmas, timestep));
  if (choice !== null && choice !== 'sgm-uniform') {
    // Between the first and last σ of the spaced timesteps, not of the whole training schedule.
    sigmas = spreadSigmas(choice, steps, config.sigma_max ?? sigmas[0]!, config.sigma_min ?? sigmas[steps - 1]!);
    timesteps = sigmas.map((sigma) => timestepOfSigma(sigma, train.sigmas));
  }

  return {
    initNoiseSigma: read.spacing === 'leading' ? Math.hypot(sigmas[0]!, 1) : sigmas[0]!,
    steps: sigmas.map((sigma, i) => {
      const ratio = (sigmas[i + 1] ?? 0) / sigma;
      const inputScale = 1 / Math.hypot(sigma, 1);
      return {
        timestep: timesteps[i]!,
        inputScale,
        sigma,
        denoised:
          read.predictionType === 'epsilon'
            ? { sample: 1, prediction: -sigma }
            : { sample: inputScale ** 2, prediction: -sigma * inputScale },
        next: { sample: ratio, denoised: 1 - ratio, previousDenoised: 0, noise: 0 },
      };
    }),
  };
}
