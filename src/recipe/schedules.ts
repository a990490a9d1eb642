// The noise levels that other programs make under their schedules' names, to tell whether one of them is the run's own.
// Over the model's σ₀ … σ_{N−1} of the training timesteps, for n steps, with σ(t) between two of them even in ln σ:
//
//   uniform       n timesteps evenly from N−1 to 0 (A1111's Uniform, ComfyUI's normal)
//   sgm-uniform   n + 1 of them, without the last
//   simple        from the end in strides of N/n, cut to whole ones
//   ddim          1, 1 + ⌊N/n⌋, … : more than n of them where n does not divide N
//   karras, exponential, beta   over the model's whole range of σ (A1111's beta)
//   comfy-beta    the beta distribution over timesteps, not over σ: ComfyUI's beta

import { betaQuantile } from '../diffusion/betaQuantile';
import { makeTrainSchedule } from '../diffusion/betas';
import { readConfig } from '../diffusion/config';
import { configAsSet, makeStepTable } from '../diffusion/schedulers';
import { spreadSigmas } from '../diffusion/sigmas';
import { roundHalfEven } from '../diffusion/timesteps';
import type { Recipe } from './recipe';

export type ScheduleElsewhere =
  | 'uniform'
  | 'sgm-uniform'
  | 'simple'
  | 'ddim'
  | 'karras'
  | 'exponential'
  | 'beta'
  | 'comfy-beta';

/** Of the training timesteps, ascending. */
type Sigmas = ArrayLike<number>;

export interface RunLevels {
  /** σ at the beginning of each step, noisiest first. */
  readonly run: readonly number[];
  readonly train: Sigmas;
}

/** null where the recipe does not say the model's schedule, or it cannot be made. */
export function runLevels({ settings, scheduler }: Recipe): RunLevels | null {
  if (!scheduler) return null;
  try {
    const { steps } = makeStepTable(settings.scheduler, scheduler, settings.steps, settings);
    const run = steps.filter(({ step }, index) => step !== steps[index - 1]?.step).map(({ sigma }) => sigma);
    const config = readConfig(configAsSet(scheduler, settings), settings.steps, {
      scheduler: 'The export',
      spacing: 'linspace',
      zeroTerminalSnr: 'finite',
      predictsSample: true,
      follows: {},
    });
    return { run, train: makeTrainSchedule(config).sigmas };
  } catch {
    return null;
  }
}

/** Noisiest first, without the 0 behind them. */
export function levelsOf(schedule: ScheduleElsewhere, train: Sigmas, steps: number): number[] {
  const last = train.length - 1;
  const at = (timestep: number) => {
    const low = Math.min(Math.floor(timestep), last - 1);
    return Math.exp((1 - timestep + low) * Math.log(train[low]!) + (timestep - low) * Math.log(train[low + 1]!));
  };
  const each = (level: (index: number) => number) => Array.from({ length: steps }, (_, index) => level(index));
  switch (schedule) {
    case 'uniform':
      return each((i) => at(steps === 1 ? last : last * (1 - i / (steps - 1))));
    case 'sgm-uniform':
      return each((i) => at(last * (1 - i / steps)));
    case 'simple':
      return each((i) => train[last - Math.floor(i * (train.length / steps))]!);
    case 'ddim': {
      const stride = Math.max(1, Math.floor(train.length / steps));
      return Array.from({ length: Math.ceil(last / stride) }, (_, i) => train[1 + i * stride]!).reverse();
    }
    case 'comfy-beta':
      return [...new Set(each((i) => roundHalfEven(betaQuantile(1 - i / steps, 0.6, 0.6) * last)))].map(
        (timestep) => train[timestep]!,
      );
    default:
      return spreadSigmas(schedule, steps, train[last]!, train[0]!);
  }
}

/**
 * Whether the run's noise levels are those, to 1 % each:
 * programs interpolate between training timesteps each in its way.
 */
export function isSchedule(schedule: ScheduleElsewhere, { run, train }: RunLevels): boolean {
  const levels = levelsOf(schedule, train, run.length);
  return levels.length === run.length && levels.every((level, index) => Math.abs(level - run[index]!) <= 0.01 * level);
}
