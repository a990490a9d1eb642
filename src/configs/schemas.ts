// The JSON files of a model and the fields of them that Pagoda reads, with the most that any of them may say.

import * as v from 'valibot';
import { config, flag, list, nullAs, real, table, text, whole } from './jsonFields';

/** Far above any published model's; what is above it is a damaged or a hostile file. */
const MOST_TIMESTEPS = 100_000;
/** A size, a number of channels, a width. */
const size = whole(1, 65_536);

/** `scheduler/scheduler_config.json` of diffusers. */
export const SCHEDULER = config({
  _class_name: text,
  num_train_timesteps: whole(2, MOST_TIMESTEPS),
  beta_start: real(),
  beta_end: real(),
  beta_schedule: text,
  prediction_type: text,
  timestep_spacing: text,
  steps_offset: whole(0, MOST_TIMESTEPS),
  set_alpha_to_one: flag,
  clip_sample: flag,
  clip_sample_range: real(),
  thresholding: flag,
  trained_betas: list(real(), MOST_TIMESTEPS),
  rescale_betas_zero_snr: flag,
  sigma_min: real(),
  sigma_max: real(),
  final_sigmas_type: text,
  interpolation_type: text,
  timestep_type: text,
  algorithm_type: text,
  solver_order: whole(0, 10),
  solver_type: text,
  lower_order_final: flag,
  predict_x0: flag,
  disable_corrector: list(whole(0, MOST_TIMESTEPS), 1000),
  // Another scheduler inside this one, which none here follows: that it is there is all that counts.
  solver_p: v.pipe(
    v.unknown(),
    v.transform((value) => typeof value),
  ),
  skip_prk_steps: flag,
  original_inference_steps: whole(1, MOST_TIMESTEPS),
  timestep_scaling: real(),
  lambda_min_clipped: real(-Infinity),
  variance_type: text,
  use_karras_sigmas: flag,
  use_exponential_sigmas: flag,
  use_beta_sigmas: flag,
  use_lu_lambdas: flag,
  use_flow_sigmas: flag,
});

/** One entry a level or block. */
const channels = list(size, 16);

const unetFields = config({
  /** Of the latents: both edges, or height and width. */
  sample_size: v.union(
    [whole(1, 4096), v.pipe(list(whole(1, 4096), 2), v.length(2))],
    'must be a whole number from 1 to 4096, or two of them',
  ),
  in_channels: whole(1, 1024),
  /** LCM: width of the embedding by which the guidance scale is an input. */
  time_cond_proj_dim: size,
  block_out_channels: channels,
  /** One for all blocks, or one each. */
  cross_attention_dim: v.union([size, channels], 'must be a whole number from 1 to 65536, or a list of them'),
  addition_embed_type: text,
  mid_block_type: text,
  up_block_types: list(text, 16),
});
/** `unet/config.json`; its mid_block_type is 'none' where it is null, and one with attention where it is absent. */
export const UNET = v.pipe(nullAs('mid_block_type', 'none'), unetFields);
export type UnetConfig = v.InferOutput<typeof UNET>;

/** `vae_decoder/config.json`, or that of the whole VAE. */
export const VAE = config({
  _class_name: text,
  scaling_factor: real(1e-6, 1e6),
  shift_factor: real(-1e6, 1e6),
  latents_mean: list(real(), 1024),
  latents_std: list(real(), 1024),
  /** One entry a resolution: each after the first halves it. */
  block_out_channels: list(size, 8),
  /** Pixels along an edge for each latent, where the widths do not tell them. */
  spatial_compression_ratio: size,
});
export type VaeConfig = v.InferOutput<typeof VAE>;

/** The most ids that a prompt may have. */
export const MOST_TOKENS = 4096;

/** `text_encoder/config.json`. */
export const TEXT_ENCODER = config({
  vocab_size: whole(1, 10_000_000),
  hidden_size: size,
  num_hidden_layers: whole(1, 1000),
  max_position_embeddings: whole(1, MOST_TOKENS),
});
export type TextConfig = v.InferOutput<typeof TEXT_ENCODER>;

/** `model_index.json`. */
export const MODEL_INDEX = config({
  text_encoder_2: v.pipe(
    v.unknown(),
    v.transform((value) => typeof value),
  ),
  force_zeros_for_empty_prompt: flag,
});
export type ModelIndex = v.InferOutput<typeof MODEL_INDEX>;

const token = v.union([text, v.object({ content: text })], 'must be a text, or an object with its content');

/** `tokenizer/tokenizer_config.json` and `special_tokens_map.json`. */
export const TOKENIZER_CONFIG = config({
  /** Absurdly large where it was never set. */
  model_max_length: v.pipe(real(1, Infinity), v.integer('must be a whole number')),
  pad_token: token,
  eos_token: token,
});
export type TokenizerConfig = v.InferOutput<typeof TOKENIZER_CONFIG>;

/** `tokenizer/vocab.json`: ids by piece. */
export const VOCAB = table(whole(0, 2 ** 31 - 1), 1_000_000);
