// DDIM (Song et al., arXiv 2010.02502), eq. 12 with η = 0, as diffusers' DDIMScheduler runs it. With
// α = √ᾱ_t and β = √(1 − ᾱ_t), and α′, β′ those of the timestep that the step goes to,
//
//   x′ = α′·D + β′·ε
//
// D is clamped where the config says so, ε is that of the prediction either way.

import { makeTrainSchedule } from './betas';
import { clipping, readConfig, type ConfigReader } from './config';
import { noiseFactors, readUnit } from './predictions';
import { spaceTimesteps } from './timesteps';
import type { SchedulerConfig, StepTable } from './types';

const READER: ConfigReader = {
  scheduler: 'DDIM',
  spacing: 'leading',
  predictsSample: true,
  zeroTerminalSnr: 'exact',
  follows: { thresholding: [false] },
};

/** Karras' spacing does not apply: the steps are whole training timesteps. */
export function ddim(config: SchedulerConfig, steps: number): StepTable {
  const read = readConfig(config, steps, READER);
  const { alphasCumprod } = makeTrainSchedule(read);
  const timesteps = spaceTimesteps(read, steps, { extraPoint: false, whole: true });
  const finalAlphaCumprod = (config.set_alpha_to_one ?? true) ? 1 : alphasCumprod[0]!;
  // diffusers steps down by this fixed stride, even where rounding put the next timestep elsewhere.
  const stride = Math.floor(read.trainTimesteps / steps);
  const clip = clipping(config, true);

  return {
    initNoiseSigma: 1,
    steps: timesteps.map((timestep, step) => {
      const target = timestep - stride;
      const alphaCumprod = alphasCumprod[timestep]!;
      const nextAlphaCumprod = target >= 0 ? alphasCumprod[target]! : finalAlphaCumprod;
      const [alpha, beta] = [Math.sqrt(alphaCumprod), Math.sqrt(1 - alphaCumprod)];
      const nextBeta = Math.sqrt(1 - nextAlphaCumprod);
      const noise = noiseFactors(read.predictionType, alpha, beta);
      return {
        step,
        ...readUnit(read.predictionType, timestep, alpha, beta),
        ...clip,
        next: {
          sample: nextBeta * noise.sample,
          prediction: nextBeta * noise.prediction,
          denoised: Math.sqrt(nextAlphaCumprod),
        },
      };
    }),
  };
}
