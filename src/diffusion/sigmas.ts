// Spacings of noise levels that do not come from spaced timesteps. From the largest to the smallest σ, with
// u = i/(steps − 1):
//
//   karras        even in σ^(1/7): more steps on the small σ (arXiv 2206.00364, eq. 5)
//   exponential   even in ln σ
//   beta          σ_min + (σ_max − σ_min)·F⁻¹(1 − u), F of the beta distribution with α = β = 0.6: more steps at both
//                 ends ("Beta Sampling is All You Need", arXiv 2407.12173), as diffusers has it
//
// `sgm-uniform` is of another kind: timesteps.ts spreads steps + 1 of them evenly and leaves out the last.

import { betaQuantile } from './betaQuantile';
import type { SigmaSpacing } from './options';
import type { SchedulerConfig } from './types';

const RHO = 7;

/** What `model` stands for is what the config says; null where σ come from spaced timesteps. */
export type ChosenSigmas = Exclude<SigmaSpacing, 'model'> | null;

export function chooseSigmas(choice: SigmaSpacing, config: SchedulerConfig): ChosenSigmas {
  if (choice !== 'model') return choice;
  if (config.use_karras_sigmas) return 'karras';
  if (config.use_exponential_sigmas) return 'exponential';
  return config.use_beta_sigmas ? 'beta' : null;
}

/** `steps` noise levels from sigmaMax down to sigmaMin; a single one is sigmaMax. */
export function spreadSigmas(
  spacing: 'karras' | 'exponential' | 'beta',
  steps: number,
  sigmaMax: number,
  sigmaMin: number,
): number[] {
  if (spacing === 'karras') return karrasSigmas(steps, sigmaMax, sigmaMin);
  return Array.from({ length: steps }, (_, i) => {
    const ramp = steps === 1 ? 0 : i / (steps - 1);
    return spacing === 'exponential'
      ? sigmaMax * (sigmaMin / sigmaMax) ** ramp
      : sigmaMin + (sigmaMax - sigmaMin) * betaQuantile(1 - ramp, 0.6, 0.6);
  });
}

function karrasSigmas(steps: number, sigmaMax: number, sigmaMin: number): number[] {
  const high = sigmaMax ** (1 / RHO);
  const low = sigmaMin ** (1 / RHO);
  return Array.from({ length: steps }, (_, i) => {
    const ramp = steps === 1 ? 0 : i / (steps - 1);
    return (high + ramp * (low - high)) ** RHO;
  });
}
