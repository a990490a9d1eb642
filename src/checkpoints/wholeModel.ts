// A checkpoint as a model that makes pictures of text: that nothing of it is missing, and what diffusers' folder of its
// family says in configs.

import type { ModelIndex, UnetConfig } from '../configs/schemas';
import type { SchedulerConfig } from '../diffusion/types';
import { EngineError } from '../protocol/errors';
import type { Base, Family } from './families';
import type { Checkpoint, Part } from './identify';
import { usualEdge, type Prediction } from './prediction';
import type { SafetensorsHeader } from './safetensors';
import type { TextEncoderPart } from './textEncoders';
import type { UnetStructure } from './unetConfig';
import type { VaeStructure } from './vaeConfig';

/** With a UNet; the rest may be in another file. */
export interface UnetModel extends Checkpoint {
  readonly family: Family;
  readonly unet: Part<UnetStructure>;
}

/** Nothing is null. */
export interface WholeModel extends UnetModel {
  readonly vae: Part<VaeStructure>;
  readonly textEncoders: readonly TextEncoderPart[];
}

/** @throws EngineError `model-invalid` that names what is missing, or the task that is another. */
export function wholeModel(checkpoint: Checkpoint): WholeModel {
  const { family, unet, vae, textEncoders, name } = checkpoint;
  const texts = textEncoders.filter((part) => part !== null);
  const missing = [
    ...(unet && family ? [] : ['no UNet']),
    ...(vae?.config.halves.includes('decoder') ? [] : ['no VAE']),
    ...(texts.length > 0 && texts.length === textEncoders.length ? [] : [lacking(texts.length)]),
  ];
  if (!unet || !family || !vae || missing.length > 0)
    throw new EngineError('model-invalid', `This file (${name}) has ${missing.join(' and ')}. ${WAY_ON}`);
  refuseTask(checkpoint);
  return { ...checkpoint, family, unet, vae, textEncoders: texts };
}

/** @throws EngineError `model-invalid` where it is neither for pictures of text nor for inpainting. */
export function refuseTask({ task, name }: Pick<Checkpoint, 'task' | 'name'>): void {
  if (task !== 'pix2pix') return;
  throw new EngineError(
    'model-invalid',
    'This is a model for changing pictures by an instruction (pix2pix), which Pagoda does not run yet. Choose one ' +
      'that makes pictures of text, or one for inpainting.',
    name,
  );
}

const WAY_ON = 'Choose the file that holds the whole model.';

function lacking(found: number): string {
  return found === 0 ? 'no text encoder' : 'only one of its two text encoders';
}

const TRAINED = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', num_train_timesteps: 1000 };
const PNDM = { _class_name: 'PNDMScheduler', skip_prk_steps: true, set_alpha_to_one: false, clip_sample: false };

/** Schedulers of the folders that were published. */
const SCHEDULERS: Readonly<Record<Base, SchedulerConfig>> = {
  sd1: PNDM,
  sd2: PNDM,
  sdxl: { _class_name: 'EulerDiscreteScheduler' },
};

export function schedulerOf({ family, unet }: UnetModel, { type, zeroTerminalSnr }: Prediction): SchedulerConfig {
  const ofVelocity = family.base === 'sd2' && type === 'v_prediction' ? { _class_name: 'DDIMScheduler' } : {};
  const distilled = unet.config.time_cond_proj_dim !== null ? { _class_name: 'LCMScheduler' } : {};
  return {
    ...SCHEDULERS[family.base],
    ...ofVelocity,
    ...distilled,
    ...TRAINED,
    steps_offset: 1,
    timestep_spacing: 'leading',
    prediction_type: type,
    ...(zeroTerminalSnr && { rescale_betas_zero_snr: true, timestep_spacing: 'trailing' }),
  };
}

/** SDXL was trained with zeros in the place of an empty text, and diffusers' pipeline reads it so. */
export function modelIndexOf({ family }: WholeModel): ModelIndex {
  return family.base === 'sdxl' ? { force_zeros_for_empty_prompt: true } : {};
}

/** The fields of the UNet's config.json that Pagoda reads. */
export function unetConfigOf(model: UnetModel, prediction: Prediction, header: SafetensorsHeader): UnetConfig {
  const { config } = model.unet;
  return {
    sample_size: usualEdge(model, prediction, header) / 8,
    in_channels: config.in_channels,
    block_out_channels: [...config.block_out_channels],
    cross_attention_dim: config.cross_attention_dim,
    ...(config.time_cond_proj_dim !== null && { time_cond_proj_dim: config.time_cond_proj_dim }),
    ...(config.addition_embed_type !== null && { addition_embed_type: config.addition_embed_type }),
    mid_block_type: config.mid_block_type ?? 'none',
    up_block_types: [...config.up_block_types],
  };
}
