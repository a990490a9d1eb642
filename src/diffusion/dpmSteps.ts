// Where the steps of the multistep DPM solvers lie: DPM++ 2M, 2M SDE and UniPC. Their latents keep unit variance, their
// timesteps are whole. Spread σ cover the whole training schedule and are not moved to those of whole timesteps.

import { makeTrainSchedule, timestepOfSigma } from './betas';
import type { ReadConfig } from './config';
import { readUnit } from './predictions';
import { chooseSigmas, spreadSigmas } from './sigmas';
import { roundHalfEven, spaceTimesteps, uniformTimesteps } from './timesteps';
import type { ScheduleOptions, SchedulerConfig, StepCoefficients } from './types';

export interface DpmSteps {
  /** Of each step, noisiest first; the step after the last is at σ = 0. */
  readonly sigmas: readonly number[];
  /** What a step's record says of the model. */
  readonly read: (step: number) => Pick<StepCoefficients, 'step' | 'timestep' | 'inputScale' | 'sigma' | 'denoised'>;
}

/** @param karrasTimestep how the timestep of one of Karras' σ becomes whole; those of other spreads are cut. */
export function placeDpmSteps(
  config: SchedulerConfig,
  read: ReadConfig,
  steps: number,
  options: ScheduleOptions,
  karrasTimestep: (timestep: number) => number,
): DpmSteps {
  const train = makeTrainSchedule(read);
  const choice = chooseSigmas(options.sigmas, config);
  let timesteps: number[];
  let sigmas: number[];
  if (choice === null || choice === 'sgm-uniform') {
    timesteps =
      choice === null
        ? spaceTimesteps(read, steps, { extraPoint: true, whole: true })
        : uniformTimesteps(read, steps).map(roundHalfEven);
    sigmas = timesteps.map((timestep) => train.sigmas[timestep]!);
  } else {
    const sigmaMax = config.sigma_max ?? train.sigmas[read.trainTimesteps - 1]!;
    const toWhole = choice === 'karras' ? karrasTimestep : Math.trunc;
    sigmas = spreadSigmas(choice, steps, sigmaMax, config.sigma_min ?? train.sigmas[0]!);
    timesteps = sigmas.map((sigma) => toWhole(timestepOfSigma(sigma, train.sigmas)));
  }
  return {
    sigmas,
    read: (step) => {
      const sigma = sigmas[step]!;
      const alpha = 1 / Math.hypot(sigma, 1);
      return { step, ...readUnit(read.predictionType, timesteps[step]!, alpha, sigma * alpha), sigma };
    },
  };
}
