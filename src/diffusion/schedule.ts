// The schedulers by name. Each turns a model's scheduler config into a table of step coefficients that one
// kernel executes; a new scheduler is a file of its own and a line here.

import { ddim } from './ddim';
import { ddpm } from './ddpm';
import { dpmpp2m, dpmpp2mSde } from './dpmpp2m';
import { dpmppSde } from './dpmppSde';
import { euler } from './euler';
import { eulerAncestral } from './eulerAncestral';
import { heun } from './heun';
import { lcm } from './lcm';
import { lms } from './lms';
import type { SchedulerId } from './options';
import { pndm } from './pndm';
import type { ScheduleOptions, SchedulerConfig, StepTable } from './types';
import { unipc } from './unipc';

export type Scheduler = (config: SchedulerConfig, steps: number, options: ScheduleOptions) => StepTable;

const SCHEDULERS: Readonly<Record<SchedulerId, Scheduler>> = {
  ddim,
  ddpm,
  euler,
  'euler-a': eulerAncestral,
  heun,
  'dpmpp-2m': dpmpp2m,
  'dpmpp-2m-sde': dpmpp2mSde,
  'dpmpp-sde': dpmppSde,
  lms,
  pndm,
  unipc,
  lcm,
};

/**
 * The step table of a scheduler, equal to that of diffusers' class made by `from_config(config)`.
 * @param steps a whole number from 1 to the config's num_train_timesteps.
 * Throws an Error that names what cannot be served: the steps, or a field of the config and its value.
 */
export function makeStepTable(
  id: SchedulerId,
  config: SchedulerConfig,
  steps: number,
  options: ScheduleOptions,
): StepTable {
  const spaced = options.spacing === 'model' ? config : { ...config, timestep_spacing: options.spacing };
  const table = SCHEDULERS[id](spaced, steps, options);
  const blind = table.steps.find(({ denoised }) => !Number.isFinite(denoised.sample));
  if (blind) {
    throw new Error(
      `At timestep ${blind.timestep} nothing of the image is left (rescale_betas_zero_snr), ` +
        'and a prediction of the noise alone says nothing about it.',
    );
  }
  return table;
}
