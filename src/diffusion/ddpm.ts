// DDPM (Ho et al., arXiv 2006.11239), eq. 6 and 7 between the timesteps that are visited, as diffusers'
// DDPMScheduler runs it. With ᾱ, ᾱ′ of this timestep and the next, α = ᾱ/ᾱ′ and β = 1 − α,
//
//   x′ = √ᾱ′·β/(1 − ᾱ)·D + √α·(1 − ᾱ′)/(1 − ᾱ)·x + σ·z
//   σ² = (1 − ᾱ′)/(1 − ᾱ)·β (fixed_small), or β (fixed_large)
//
// The last step goes to ᾱ′ = 1; no noise is added at timestep 0.

import { makeTrainSchedule } from './betas';
import { clipping, readConfig, type ConfigReader } from './config';
import { readUnit } from './predictions';
import { spaceTimesteps } from './timesteps';
import type { SchedulerConfig, StepTable } from './types';

const READER: ConfigReader = {
  scheduler: 'DDPM',
  spacing: 'leading',
  predictsSample: true,
  zeroTerminalSnr: 'exact',
  // fixed_small_log is the same variance, reached through its logarithm.
  follows: { thresholding: [false], variance_type: ['fixed_small', 'fixed_small_log', 'fixed_large'] },
};

/** Karras' spacing does not apply: the steps are whole training timesteps. */
export function ddpm(config: SchedulerConfig, steps: number): StepTable {
  const read = readConfig(config, steps, READER);
  const { alphasCumprod } = makeTrainSchedule(read);
  const timesteps = spaceTimesteps(read, steps, { extraPoint: false, whole: true });
  const clip = clipping(config, true);

  return {
    initNoiseSigma: 1,
    steps: timesteps.map((timestep, step) => {
      const after = timesteps[step + 1];
      const total = alphasCumprod[timestep]!;
      const nextTotal = after === undefined ? 1 : alphasCumprod[after]!;
      const alpha = total / nextTotal;
      const small = ((1 - nextTotal) / (1 - total)) * (1 - alpha);
      const variance = config.variance_type === 'fixed_large' ? 1 - alpha : Math.max(small, 1e-20);
      return {
        step,
        ...readUnit(read.predictionType, timestep, Math.sqrt(total), Math.sqrt(1 - total)),
        ...clip,
        next: {
          sample: (Math.sqrt(alpha) * (1 - nextTotal)) / (1 - total),
          denoised: (Math.sqrt(nextTotal) * (1 - alpha)) / (1 - total),
          noise: timestep > 0 ? Math.sqrt(variance) : 0,
        },
      };
    }),
  };
}
