// Heun's method on the probability-flow ODE (Karras et al., arXiv 2206.00364, algorithm 1 without churn), as
// diffusers' HeunDiscreteScheduler runs it. A step from σ to σ′ is two records, with d = (x − D)/σ:
//
//   first    x₁ = x + (σ′ − σ)·d                                keeps x + ½(σ′ − σ)·d
//   second   x′ = x + ½(σ′ − σ)·(d + d₁),   d₁ = (x₁ − D₁)/σ′   at σ′
//
// The last step goes to σ′ = 0, where there is no derivative: it is Euler's, one record.

import { clipping, readConfig, type ConfigReader } from './config';
import { readSigma } from './predictions';
import { chooseSigmas } from './sigmas';
import { placeSigmaSteps } from './sigmaSteps';
import type { ScheduleOptions, SchedulerConfig, StepCoefficients, StepTable } from './types';

const READER: ConfigReader = {
  scheduler: 'Heun',
  spacing: 'linspace',
  betas: { start: 0.00085, end: 0.012, schedule: 'linear' },
  predictsSample: true,
  follows: {},
};

export function heun(config: SchedulerConfig, steps: number, options: ScheduleOptions): StepTable {
  const read = readConfig(config, steps, READER);
  const { sigmas, timesteps, initNoiseSigma } = placeSigmaSteps(
    read,
    steps,
    chooseSigmas(options.sigmas, config),
    config,
  );
  const clip = clipping(config, false);
  return {
    initNoiseSigma,
    steps: sigmas.flatMap((sigma, step): StepCoefficients[] => {
      const next = sigmas[step + 1] ?? 0;
      const ratio = next / sigma;
      const first: StepCoefficients = {
        step,
        ...readSigma(read.predictionType, timesteps[step]!, sigma),
        ...clip,
        next: { sample: ratio, denoised: 1 - ratio },
      };
      if (next === 0) return [first];
      const half = (next - sigma) / 2;
      return [
        { ...first, keep: { sample: 1 + half / sigma, denoised: -half / sigma } },
        {
          step,
          ...readSigma(read.predictionType, timesteps[step + 1]!, next),
          ...clip,
          next: { sample: half / next, denoised: -half / next, history: [1] },
        },
      ];
    }),
  };
}
