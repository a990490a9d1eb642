// DPM-Solver++ SDE with r = ½ (k-diffusion's sample_dpmpp_sde), as diffusers' DPMSolverSDEScheduler runs it. A step
// from σ to σ′ is two records around σₘ = √(σ·σ′), each an ancestral step (euler.ts) that starts from the same x:
//
//   first    σ → σₘ with D and the noise of that way         keeps what the second makes of x and of this noise
//   second   σ → σ′ with D at σₘ and the noise of the whole way
//
// The noise is a Brownian path in σ: that of the whole way is (√(σ − σₘ)·z + √(σₘ − σ′)·z₁)/√(σ − σ′), z that of the
// first record and z₁ fresh. diffusers takes the path from torchsde's tree, whose values depend on its own seeds; here
// its increments are drawn in order from the run's generator, which has the same distribution. All else is equal to
// diffusers. The last step goes to σ′ = 0 and is Euler's, one record.

import { ancestralStep } from './euler';
import { readConfig, type ConfigReader } from './config';
import { readSigma } from './predictions';
import { chooseSigmas } from './sigmas';
import { placeSigmaSteps } from './sigmaSteps';
import type { ScheduleOptions, SchedulerConfig, StepCoefficients, StepTable } from './types';

const READER: ConfigReader = {
  scheduler: 'DPM++ SDE',
  spacing: 'linspace',
  betas: { start: 0.00085, end: 0.012, schedule: 'linear' },
  follows: {},
};

export function dpmppSde(config: SchedulerConfig, steps: number, options: ScheduleOptions): StepTable {
  const read = readConfig(config, steps, READER);
  const choice = chooseSigmas(options.sigmas, config);
  // diffusers' class spreads Karras' σ between those of the timesteps, whatever the config says.
  const { sigmas, timesteps, initNoiseSigma, timestepOf } = placeSigmaSteps(
    read,
    steps,
    choice,
    choice === 'karras' ? {} : config,
  );
  return {
    initNoiseSigma,
    steps: sigmas.flatMap((sigma, step): StepCoefficients[] => {
      const next = sigmas[step + 1] ?? 0;
      const start = { step, ...readSigma(read.predictionType, timesteps[step]!, sigma) };
      if (next === 0) return [{ ...start, next: { denoised: 1 } }];
      const middle = Math.sqrt(sigma * next);
      const whole = ancestralStep(sigma, next);
      const share = (from: number, to: number) => whole.noise * Math.sqrt((from - to) / (sigma - next));
      return [
        { ...start, next: ancestralStep(sigma, middle), keep: { sample: whole.sample, noise: share(sigma, middle) } },
        {
          step,
          ...readSigma(read.predictionType, timestepOf(middle), middle),
          next: { denoised: whole.denoised, noise: share(middle, next), history: [1] },
        },
      ];
    }),
  };
}
