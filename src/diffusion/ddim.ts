// DDIM (Song et al., arXiv 2010.02502), eq. 12 with η = 0, as diffusers' DDIMScheduler runs it. With
// α = √ᾱ_t and β = √(1 − ᾱ_t), and α′, β′ those of the timestep that the step goes to:
//
//   epsilon        D = (x − β·prediction) / α
//   v_prediction   D = α·x − β·prediction
//   both           x′ = α′·D + β′·ε,   ε = (x − α·D) / β
//
// The latents keep unit variance, so neither the input nor the first noise is scaled.

import { makeTrainSchedule } from './betas';
import { readConfig, type ConfigReader } from './config';
import { spaceTimesteps } from './timesteps';
import type { SchedulerConfig, StepTable } from './types';

const READER: ConfigReader = {
  scheduler: 'DDIM',
  spacing: 'leading',
  follows: { thresholding: [false] },
};

/** Karras' spacing does not apply: the steps are whole training timesteps. */
export function ddim(config: SchedulerConfig, steps: number): StepTable {
  requireNoClipping(config);
  const read = readConfig(config, steps, READER);
  const { alphasCumprod, sigmas } = makeTrainSchedule(read);
  const timesteps = spaceTimesteps(read, steps, { extraPoint: false, whole: true });
  const finalAlphaCumprod = (config.set_alpha_to_one ?? true) ? 1 : alphasCumprod[0]!;
  // diffusers steps down by this fixed stride, even where rounding put the next timestep elsewhere.
  const stride = Math.floor(read.trainTimesteps / steps);

  return {
    initNoiseSigma: 1,
    steps: timesteps.map((timestep) => {
      const target = timestep - stride;
      const alphaCumprod = alphasCumprod[timestep]!;
      const nextAlphaCumprod = target >= 0 ? alphasCumprod[target]! : finalAlphaCumprod;
      const [alpha, beta] = [Math.sqrt(alphaCumprod), Math.sqrt(1 - alphaCumprod)];
      const [nextAlpha, nextBeta] = [Math.sqrt(nextAlphaCumprod), Math.sqrt(1 - nextAlphaCumprod)];
      return {
        timestep,
        inputScale: 1,
        sigma: sigmas[timestep]!,
        denoised:
          read.predictionType === 'epsilon'
            ? { sample: 1 / alpha, prediction: -beta / alpha }
            : { sample: alpha, prediction: -beta },
        next: {
          sample: nextBeta / beta,
          denoised: nextAlpha - (alpha * nextBeta) / beta,
          previousDenoised: 0,
          noise: 0,
        },
      };
    }),
  };
}

/** DDIM alone clips, and does so by default: a config that is silent about it asks for clipping too. */
function requireNoClipping(config: SchedulerConfig): void {
  if (config.clip_sample === false) return;
  throw new Error(
    `DDIM needs clip_sample = false in the scheduler config, which has ${config.clip_sample ?? 'nothing'} ` +
      `(absent means true): clipping of the denoised estimate is not supported.`,
  );
}
