// The schedulers, one row each: how a model's scheduler config becomes a table of step coefficients that one kernel
// executes, and what the scheduler is called here and elsewhere. A new scheduler is a file of its own and a row here.
//
// A1111's and Forge's names are those of their drop-down lists with the second names that they take (1.0 to 1.10:
// modules/sd_samplers_*.py), ComfyUI's those of KSampler (comfy/samplers.py); diffusers has classes, of which one
// stands for two schedulers.

import { ddim } from './ddim';
import { ddpm } from './ddpm';
import { dpmpp2m, dpmpp2mSde } from './dpmpp2m';
import { dpmppSde } from './dpmppSde';
import { euler, eulerAncestral } from './euler';
import { heun } from './heun';
import { lcm } from './lcm';
import { lms } from './lms';
import type { SigmaSpacing } from './options';
import { pndm } from './pndm';
import { withoutSkipped } from './stepTable';
import type { ScheduleOptions, SchedulerConfig, StepTable } from './types';
import { unipc } from './unipc';

export interface SchedulerRow {
  readonly make: (config: SchedulerConfig, steps: number, options: ScheduleOptions) => StepTable;
  /** For people. */
  readonly label: string;
  /** It steps on whole training timesteps: a choice of sigmas does not apply. */
  readonly onTrainTimesteps?: true;
  /** Its steps read noise. */
  readonly drawsNoise?: true;
  /** null where A1111 has it not. */
  readonly a1111: A1111Names | null;
  /** Second names that A1111, or Forge, takes, in lower case. */
  readonly a1111Aliases: readonly string[];
  /** KSampler's; null where it has none. */
  readonly comfy: string | null;
  readonly diffusers: DiffusersClass;
}

export interface A1111Names {
  readonly name: string;
  /** The noise levels that A1111 chooses where the schedule type is Automatic; Uniform where absent. */
  readonly automatic?: SigmaSpacing;
  /** It steps on timesteps of its own there, those of its DDIM, whatever the schedule type. */
  readonly ownTimesteps?: true;
  /** The noise of its steps comes from a Brownian tree of the seed there. */
  readonly brownian?: true;
}

export interface DiffusersClass {
  readonly name: string;
  /** Arguments of `from_config` that tell it from others of the same class, as Python. */
  readonly arguments?: readonly string[];
  /** Its config has `use_karras_sigmas` and the like. */
  readonly hasSigmaFlags?: true;
  /** It takes a list of `timesteps`, and which. */
  readonly takesTimesteps?: 'fractional' | 'whole';
  /** Packages that the class imports only when it is used. */
  readonly packages?: readonly string[];
  /** It draws the noise of its steps from a generator of its own. */
  readonly ownNoise?: true;
}

const TABLE = {
  ddim: {
    make: ddim,
    label: 'DDIM',
    onTrainTimesteps: true,
    a1111: { name: 'DDIM', ownTimesteps: true },
    a1111Aliases: [],
    comfy: 'ddim',
    diffusers: { name: 'DDIMScheduler' },
  },
  // Forge has it, A1111 has not.
  ddpm: {
    make: ddpm,
    label: 'DDPM',
    drawsNoise: true,
    onTrainTimesteps: true,
    a1111: null,
    a1111Aliases: ['ddpm'],
    comfy: 'ddpm',
    diffusers: { name: 'DDPMScheduler' },
  },
  euler: {
    make: euler,
    label: 'Euler',
    a1111: { name: 'Euler' },
    a1111Aliases: ['k_euler'],
    comfy: 'euler',
    diffusers: { name: 'EulerDiscreteScheduler', hasSigmaFlags: true, takesTimesteps: 'fractional' },
  },
  'euler-a': {
    make: eulerAncestral,
    label: 'Euler ancestral',
    drawsNoise: true,
    a1111: { name: 'Euler a' },
    a1111Aliases: ['k_euler_a', 'k_euler_ancestral'],
    comfy: 'euler_ancestral',
    diffusers: { name: 'EulerAncestralDiscreteScheduler' },
  },
  heun: {
    make: heun,
    label: 'Heun (two passes a step)',
    a1111: { name: 'Heun' },
    a1111Aliases: ['k_heun'],
    comfy: 'heun',
    diffusers: { name: 'HeunDiscreteScheduler', hasSigmaFlags: true, takesTimesteps: 'fractional' },
  },
  'dpmpp-2m': {
    make: dpmpp2m,
    label: 'DPM++ 2M',
    a1111: { name: 'DPM++ 2M', automatic: 'karras' },
    a1111Aliases: ['k_dpmpp_2m'],
    comfy: 'dpmpp_2m',
    diffusers: {
      name: 'DPMSolverMultistepScheduler',
      arguments: ['algorithm_type="dpmsolver++"'],
      hasSigmaFlags: true,
      takesTimesteps: 'whole',
    },
  },
  'dpmpp-2m-sde': {
    make: dpmpp2mSde,
    label: 'DPM++ 2M SDE',
    drawsNoise: true,
    a1111: { name: 'DPM++ 2M SDE', automatic: 'exponential', brownian: true },
    a1111Aliases: ['k_dpmpp_2m_sde'],
    comfy: 'dpmpp_2m_sde',
    diffusers: {
      name: 'DPMSolverMultistepScheduler',
      arguments: ['algorithm_type="sde-dpmsolver++"'],
      hasSigmaFlags: true,
      takesTimesteps: 'whole',
    },
  },
  'dpmpp-sde': {
    make: dpmppSde,
    label: 'DPM++ SDE (two passes a step)',
    drawsNoise: true,
    a1111: { name: 'DPM++ SDE', automatic: 'karras', brownian: true },
    a1111Aliases: ['k_dpmpp_sde'],
    comfy: 'dpmpp_sde',
    diffusers: { name: 'DPMSolverSDEScheduler', hasSigmaFlags: true, packages: ['torchsde'], ownNoise: true },
  },
  lms: {
    make: lms,
    label: 'LMS',
    a1111: { name: 'LMS' },
    a1111Aliases: ['k_lms'],
    comfy: 'lms',
    diffusers: { name: 'LMSDiscreteScheduler', hasSigmaFlags: true, packages: ['scipy'] },
  },
  pndm: {
    make: pndm,
    label: 'PLMS (PNDM)',
    onTrainTimesteps: true,
    a1111: { name: 'PLMS', ownTimesteps: true },
    a1111Aliases: [],
    comfy: null,
    diffusers: { name: 'PNDMScheduler', arguments: ['skip_prk_steps=True'] },
  },
  unipc: {
    make: unipc,
    label: 'UniPC',
    a1111: { name: 'UniPC', ownTimesteps: true },
    a1111Aliases: [],
    comfy: 'uni_pc',
    diffusers: { name: 'UniPCMultistepScheduler', hasSigmaFlags: true },
  },
  lcm: {
    make: lcm,
    label: 'LCM',
    drawsNoise: true,
    onTrainTimesteps: true,
    a1111: { name: 'LCM' },
    a1111Aliases: ['k_lcm'],
    comfy: 'lcm',
    diffusers: { name: 'LCMScheduler' },
  },
} as const satisfies Record<string, SchedulerRow>;

export type SchedulerId = keyof typeof TABLE;
export const SCHEDULERS: Readonly<Record<SchedulerId, SchedulerRow>> = TABLE;
export const SCHEDULER_IDS = Object.keys(TABLE) as readonly SchedulerId[];

/**
 * The model's config with what was set instead of what it says. Zero terminal SNR is of use only where the last
 * timestep is visited.
 */
export function configAsSet(
  config: SchedulerConfig,
  { spacing, prediction = 'model', terminalSnr = 'model' }: Omit<ScheduleOptions, 'sigmas'>,
): SchedulerConfig {
  return {
    ...config,
    ...(prediction !== 'model' && { prediction_type: prediction }),
    ...(terminalSnr !== 'model' && { rescale_betas_zero_snr: terminalSnr === 'zero' }),
    ...(terminalSnr === 'zero' && { timestep_spacing: 'trailing' }),
    ...(spacing !== 'model' && { timestep_spacing: spacing }),
  };
}

/**
 * The step table of a scheduler, equal to that of diffusers' class made by `from_config(config)`.
 * @param steps a whole number from 1 to the config's num_train_timesteps, with those that `options.skipped` leaves out.
 * Throws an Error that names what cannot be served: the steps, or a field of the config and its value.
 */
export function makeStepTable(
  id: SchedulerId,
  config: SchedulerConfig,
  steps: number,
  options: ScheduleOptions,
): StepTable {
  const table = withoutSkipped(SCHEDULERS[id].make(configAsSet(config, options), steps, options), options.skipped ?? 0);
  const blind = table.steps.find(({ denoised }) => !Number.isFinite(denoised.sample));
  if (blind) {
    throw new Error(
      `At timestep ${blind.timestep} nothing of the image is left (rescale_betas_zero_snr), ` +
        'and a prediction of the noise alone says nothing about it.',
    );
  }
  return table;
}
