// The schedulers by name. Each turns a model's scheduler config into a table of step coefficients that one
// kernel executes; a new scheduler is a file of its own and a line here.

import { ddim } from './ddim';
import { dpmpp2m } from './dpmpp2m';
import { euler } from './euler';
import type { SchedulerId } from './options';
import type { ScheduleOptions, SchedulerConfig, StepTable } from './types';

export type Scheduler = (config: SchedulerConfig, steps: number, options: ScheduleOptions) => StepTable;

const SCHEDULERS = {
  ddim,
  euler,
  'dpmpp-2m': dpmpp2m,
} satisfies Partial<Record<SchedulerId, Scheduler>>;

export type ServedScheduler = keyof typeof SCHEDULERS;

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
  const make: Scheduler | undefined = (SCHEDULERS as Partial<Record<SchedulerId, Scheduler>>)[id];
  if (!make) throw new Error(`There is no scheduler "${id}".`);
  return make(spaced, steps, options);
}
