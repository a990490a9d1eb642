// The settings that suit a model: what a catalogue entry says, or what its configs tell of how it was trained.

import type { UsualSettings } from '../settings/fields';
import type { UnetConfig } from '../configs/schemas';
import type { SchedulerConfig } from '../diffusion/types';

export interface ModelConfigs {
  /** `scheduler_config.json` and the UNet's `config.json`; empty where there are none. */
  readonly scheduler: SchedulerConfig;
  readonly unet: UnetConfig;
}

const AS_TRAINED = { layers: 'mid', sigmas: 'model', spacing: 'model' } as const;

/** SD 1.x and 2.x: PAG's paper has s = 3 at the middle block. */
export const USUAL_SD: UsualSettings = {
  ...AS_TRAINED,
  steps: 20,
  guidanceScale: 5,
  pagScale: 3,
  scheduler: 'dpmpp-2m',
  sigmas: 'karras',
};
export const USUAL_SDXL: UsualSettings = {
  ...AS_TRAINED,
  steps: 25,
  guidanceScale: 5,
  pagScale: 3,
  scheduler: 'euler',
};
/** Distilled to a few steps that start at the last timestep; CFG is distilled in, and much PAG over-cooks them. */
export const USUAL_TURBO: UsualSettings = {
  ...AS_TRAINED,
  steps: 4,
  guidanceScale: 1,
  pagScale: 1,
  scheduler: 'euler',
  spacing: 'trailing',
};
/** The CFG scale is an input of its UNet: 8 in the pipeline that it comes with, at no cost. */
export const USUAL_LCM: UsualSettings = { ...AS_TRAINED, steps: 4, guidanceScale: 8, pagScale: 1, scheduler: 'lcm' };

export function usualSettings({ scheduler, unet }: ModelConfigs): UsualSettings {
  return { ...ofTraining(scheduler, unet), layers: deepestLayers(unet) };
}

/** The middle block, or where that has no attention (tiny-sd, SDXS) the first block on the way up that has. */
function deepestLayers({ mid_block_type: mid, up_block_types: up = [] }: UnetConfig): string {
  const first = up.findIndex((type) => type.includes('CrossAttn'));
  return mid === undefined || mid.includes('CrossAttn') || first < 0 ? 'mid' : `u${first}`;
}

function ofTraining(scheduler: SchedulerConfig, unet: UnetConfig): UsualSettings {
  const embedded = unet.time_cond_proj_dim !== undefined;
  if (embedded || scheduler._class_name === 'LCMScheduler')
    return embedded ? USUAL_LCM : { ...USUAL_LCM, guidanceScale: 1 };
  // Models of v-prediction start at the last timestep too, and were trained for many steps.
  const fromLast =
    scheduler.timestep_spacing === 'trailing' &&
    (scheduler.prediction_type ?? 'epsilon') === 'epsilon' &&
    scheduler.rescale_betas_zero_snr !== true;
  if (fromLast)
    return {
      ...USUAL_TURBO,
      scheduler: scheduler._class_name === 'EulerAncestralDiscreteScheduler' ? 'euler-a' : 'euler',
    };
  return unet.addition_embed_type === 'text_time' || unet.cross_attention_dim === 2048 ? USUAL_SDXL : USUAL_SD;
}
