// A file with a UNet and nothing else, under CompVis's names or diffusers': text encoders, VAE and scheduler are those
// of another model, its base. What the file itself tells of its scheduler goes before what the base has.

import type { SchedulerConfig } from '../diffusion/types';
import type { Checkpoint } from './identify';
import type { Prediction } from './prediction';
import { refuseTask, schedulerOf, type UnetModel } from './wholeModel';

/**
 * null where there is more in the file, or no UNet.
 * @throws EngineError `model-invalid` where it is for another task.
 */
export function unetAlone(checkpoint: Checkpoint): UnetModel | null {
  const { family, unet, vae, textEncoders } = checkpoint;
  if (!unet || !family || vae || textEncoders.some((part) => part !== null)) return null;
  refuseTask(checkpoint);
  return { ...checkpoint, family, unet };
}

/**
 * The base's, unless the UNet tells that it is another kind: one that embeds the guidance scale (LCM) where the base's
 * does not, or the other way round; one that predicts something else; one trained up to pure noise. Then its family's.
 * @param base the base's scheduler, and whether its UNet embeds the guidance scale.
 */
export function schedulerWith(
  base: { readonly scheduler: SchedulerConfig; readonly distilled: boolean },
  model: UnetModel,
  prediction: Prediction,
): SchedulerConfig {
  const { prediction_type: predicts = 'epsilon', rescale_betas_zero_snr: zeroSnr = false } = base.scheduler;
  const differs =
    isDistilled(model) !== base.distilled ||
    (prediction.evidence !== 'assumed' && prediction.type !== predicts) ||
    (prediction.zeroTerminalSnr && !zeroSnr);
  return differs ? schedulerOf(model, prediction) : base.scheduler;
}

function isDistilled({ unet }: UnetModel): boolean {
  return unet.config.time_cond_proj_dim !== null;
}
