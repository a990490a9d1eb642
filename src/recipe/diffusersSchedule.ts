// A run's schedule as diffusers has it: arguments of the scheduler's class, timesteps where the pipeline takes them,
// and what the class cannot do.

import type { SigmaSpacing } from '../diffusion/options';
import { SCHEDULERS, configAsSet, type SchedulerId } from '../diffusion/schedulers';
import { pythonString } from './pythonText';
import type { Recipe } from './recipe';

export function schedulerArguments({ settings, model, scheduler: own }: Recipe): readonly string[] {
  const { scheduler, sigmas, spacing, seed } = settings;
  const { diffusers } = SCHEDULERS[scheduler];
  const {
    prediction_type: predicts,
    timestep_spacing: timestepSpacing,
    rescale_betas_zero_snr: rescales,
  } = configAsSet((model.singleFile && own) || {}, { ...settings, ...(spacing === 'turbo' && { spacing: 'model' }) });
  const flags = ['karras', 'exponential', 'beta'] as const;
  const setsFlags =
    sigmas !== 'model' &&
    diffusers.hasSigmaFlags === true &&
    (sigmas !== 'sgm-uniform' || diffusers.takesTimesteps !== undefined);
  return [
    ...(diffusers.arguments ?? []),
    ...(predicts === undefined ? [] : [`prediction_type=${pythonString(predicts)}`]),
    ...(rescales === undefined ? [] : [`rescale_betas_zero_snr=${rescales ? 'True' : 'False'}`]),
    ...(timestepSpacing === undefined ? [] : [`timestep_spacing=${pythonString(timestepSpacing)}`]),
    // All of them: diffusers refuses two at once, and the model's config may have another.
    ...(setsFlags ? flags.map((flag) => `use_${flag}_sigmas=${flag === sigmas ? 'True' : 'False'}`) : []),
    ...(diffusers.ownNoise ? [`noise_sampler_seed=${seed}`] : []),
  ];
}

/** N timesteps of N + 1 even ones, without the last; some classes know whole ones alone. */
export function sgmTimesteps(scheduler: SchedulerId): readonly string[] {
  const each = 'last * (1 - i / STEPS)';
  const isWhole = SCHEDULERS[scheduler].diffusers.takesTimesteps === 'whole';
  return [
    'last = pipe.scheduler.config.num_train_timesteps - 1',
    `timesteps = [${isWhole ? `round(${each})` : each} for i in range(STEPS)]`,
  ];
}

export function scheduleWarnings(scheduler: SchedulerId, sigmas: SigmaSpacing): readonly string[] {
  const warnings: string[] = [];
  const { diffusers, onTrainTimesteps } = SCHEDULERS[scheduler];
  const canSpread = sigmas === 'sgm-uniform' ? diffusers.takesTimesteps !== undefined : diffusers.hasSigmaFlags;
  if (sigmas !== 'model' && !canSpread && !onTrainTimesteps) {
    warnings.push(`${diffusers.name} cannot spread sigmas as ${sigmas}: those of the model's config are taken.`);
  }
  if (diffusers.ownNoise)
    warnings.push(
      `${diffusers.name} draws the noise of its steps from a generator of its own: the picture is another one.`,
    );
  return warnings;
}
