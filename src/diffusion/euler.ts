// Euler steps on the probability-flow ODE (Karras et al., arXiv 2206.00364, algorithm 1 without churn), as
// diffusers' EulerDiscreteScheduler runs them. The latents are x₀ + σ·ε:
//
//   x′ = x + (σ′ − σ)·(x − D)/σ = (σ′/σ)·x + (1 − σ′/σ)·D,   σ′ = 0 at the end

import { readConfig, type ConfigReader } from './config';
import { readSigma } from './predictions';
import { chooseSigmas } from './sigmas';
import { placeSigmaSteps } from './sigmaSteps';
import type { ScheduleOptions, SchedulerConfig, StepTable } from './types';

const READER: ConfigReader = {
  scheduler: 'Euler',
  spacing: 'linspace',
  predictsSample: true,
  zeroTerminalSnr: 'finite',
  follows: {
    interpolation_type: ['linear'],
    timestep_type: ['discrete'],
    final_sigmas_type: ['zero'],
  },
};

export function euler(config: SchedulerConfig, steps: number, options: ScheduleOptions): StepTable {
  const read = readConfig(config, steps, READER);
  const { sigmas, timesteps, initNoiseSigma } = placeSigmaSteps(
    read,
    steps,
    chooseSigmas(options.sigmas, config),
    config,
  );
  return {
    initNoiseSigma,
    steps: sigmas.map((sigma, step) => {
      const ratio = (sigmas[step + 1] ?? 0) / sigma;
      return {
        step,
        ...readSigma(read.predictionType, timesteps[step]!, sigma),
        next: { sample: ratio, denoised: 1 - ratio },
      };
    }),
  };
}
