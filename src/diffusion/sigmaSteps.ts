// Where the steps of the samplers in σ lie: Euler, Euler ancestral, Heun, LMS, DPM++ SDE. Their latents are x₀ + σ·ε.

import { makeTrainSchedule, sigmaAt, timestepOfSigma } from './betas';
import type { ReadConfig } from './config';
import { spreadSigmas, type ChosenSigmas } from './sigmas';
import { spaceTimesteps, uniformTimesteps } from './timesteps';

export interface SigmaSteps {
  /** Of each step, noisiest first; the step after the last is at σ = 0. */
  readonly sigmas: readonly number[];
  /** May be fractional. */
  readonly timesteps: readonly number[];
  readonly initNoiseSigma: number;
  /** The timestep that has a noise level. */
  readonly timestepOf: (sigma: number) => number;
}

/** @param bounds the config's largest and smallest σ, where they replace those of the spaced timesteps. */
export function placeSigmaSteps(
  read: ReadConfig,
  steps: number,
  choice: ChosenSigmas,
  bounds: { readonly sigma_max?: number | null; readonly sigma_min?: number | null },
): SigmaSteps {
  const train = makeTrainSchedule(read);
  const timestepOf = (sigma: number) => timestepOfSigma(sigma, train.sigmas);
  let timesteps =
    choice === 'sgm-uniform'
      ? uniformTimesteps(read, steps)
      : spaceTimesteps(read, steps, { extraPoint: false, whole: false });
  let sigmas = timesteps.map((timestep) => sigmaAt(train.sigmas, timestep));
  if (choice !== null && choice !== 'sgm-uniform') {
    // Between the first and last σ of the spaced timesteps, not of the whole training schedule.
    sigmas = spreadSigmas(choice, steps, bounds.sigma_max ?? sigmas[0]!, bounds.sigma_min ?? sigmas[steps - 1]!);
    timesteps = sigmas.map(timestepOf);
  }
  return {
    sigmas,
    timesteps,
    initNoiseSigma: read.spacing === 'leading' ? Math.hypot(sigmas[0]!, 1) : sigmas[0]!,
    timestepOf,
  };
}
