// Euler steps on the probability-flow ODE (Karras et al., arXiv 2206.00364, algorithm 1 without churn), as
// diffusers' EulerDiscreteScheduler runs them. The latents are x₀ + σ·ε:
//
//   x′ = x + (σ′ − σ)·(x − D)/σ = (σ′/σ)·x + (1 − σ′/σ)·D,   σ′ = 0 at the end
//
// and Euler ancestral, as EulerAncestralDiscreteScheduler: k-diffusion's ancestral step, from σ to σ′ part of the way,
// to σ_down, and noise back up to σ′. It is exact for the reverse SDE where D is constant (DDPM's posterior in σ;
// arXiv 2006.11239, eq. 7):
//
//   σ_up² = σ′²(σ² − σ′²)/σ²     σ_down² = σ′² − σ_up²     x′ = (σ_down/σ)·x + (1 − σ_down/σ)·D + σ_up·z

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

const ANCESTRAL: ConfigReader = { scheduler: 'Euler a', spacing: 'linspace', zeroTerminalSnr: 'finite', follows: {} };

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

/** diffusers' class has no Karras spacing and the like; chosen here, it lies as Euler's does. */
export function eulerAncestral(config: SchedulerConfig, steps: number, options: ScheduleOptions): StepTable {
  const read = readConfig(config, steps, ANCESTRAL);
  const { sigmas, timesteps, initNoiseSigma } = placeSigmaSteps(read, steps, chooseSigmas(options.sigmas, {}), {});
  return {
    initNoiseSigma,
    steps: sigmas.map((sigma, step) => ({
      step,
      ...readSigma(read.predictionType, timesteps[step]!, sigma),
      next: ancestralStep(sigma, sigmas[step + 1] ?? 0),
    })),
  };
}

export function ancestralStep(sigma: number, next: number): { sample: number; denoised: number; noise: number } {
  const up = (next * Math.sqrt(sigma ** 2 - next ** 2)) / sigma;
  const sample = Math.sqrt(Math.max(0, next ** 2 - up ** 2)) / sigma;
  return { sample, denoised: 1 - sample, noise: up };
}
