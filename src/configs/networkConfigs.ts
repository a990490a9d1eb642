// The JSON of a folder in diffusers' layout whose weights are .safetensors: the index of a model in several files, and
// what the networks' config.json says of their structure.

import * as v from 'valibot';
import { config, flag, list, not, nullAs, real, table, text, whole } from './jsonFields';

const fileName = v.pipe(
  text,
  v.regex(/^(?!\.)[^/\\:]+\.safetensors$/, not('must be the name of a .safetensors file beside it')),
);

/** `<stem>.safetensors.index.json`: by tensor, the file that it lies in. */
export const SHARD_INDEX = config({ weight_map: table(fileName, 100_000) });
/** Bytes; SDXL's has 0.2 MB. */
export const SHARD_INDEX_LIMIT = 16 * 1024 * 1024;

const size = whole(1, 65_536);
const perLevel = list(size, 16);
const sizeOrLevels = v.union([size, perLevel], 'must be a whole number from 1 to 65536, or a list of them');
const depth = whole(0, 64);
const depths = v.union(
  [depth, list(v.union([depth, list(depth, 16)], 'must be a whole number up to 64, or a list of them'), 16)],
  'must be a whole number up to 64, or a list of them',
);
const flags = v.union([flag, list(flag, 16)], 'must be true or false, or a list of them');

/** SDNQ's alone is read. */
const quantization = config({ use_hadamard: flag });

const unetFields = config({
  _class_name: text,
  sample_size: v.union([whole(1, 4096), list(whole(1, 4096), 2)], 'must be a whole number from 1 to 4096, or two'),
  in_channels: size,
  out_channels: size,
  block_out_channels: perLevel,
  down_block_types: list(text, 16),
  mid_block_type: text,
  up_block_types: list(text, 16),
  layers_per_block: v.union(
    [whole(1, 16), list(whole(1, 16), 16)],
    'must be a whole number from 1 to 16, or a list of them',
  ),
  transformer_layers_per_block: depths,
  reverse_transformer_layers_per_block: depths,
  attention_head_dim: sizeOrLevels,
  num_attention_heads: sizeOrLevels,
  cross_attention_dim: sizeOrLevels,
  use_linear_projection: flag,
  addition_embed_type: text,
  addition_time_embed_dim: size,
  projection_class_embeddings_input_dim: size,
  time_cond_proj_dim: size,
  norm_num_groups: size,
  norm_eps: real(0, 1),
  act_fn: text,
  flip_sin_to_cos: flag,
  freq_shift: whole(0, 1),
  only_cross_attention: flags,
  dual_cross_attention: flag,
  class_embed_type: text,
  num_class_embeds: size,
  encoder_hid_dim: size,
  encoder_hid_dim_type: text,
  resnet_time_scale_shift: text,
  resnet_skip_time_act: flag,
  resnet_out_scale_factor: real(),
  time_embedding_type: text,
  time_embedding_dim: size,
  time_embedding_act_fn: text,
  timestep_post_act: text,
  conv_in_kernel: size,
  conv_out_kernel: size,
  downsample_padding: whole(0, 8),
  mid_block_scale_factor: real(),
  mid_block_only_cross_attention: flag,
  center_input_sample: flag,
  attention_type: text,
  cross_attention_norm: text,
  class_embeddings_concat: flag,
  addition_embed_type_num_heads: size,
  upcast_attention: flag,
  dropout: real(),
  quantization_config: quantization,
});

/**
 * `unet/config.json`, whole. Its mid_block_type is one with attention where it is absent, and left out where it is
 * null.
 */
export const UNET_NETWORK = v.pipe(nullAs('mid_block_type', 'none'), unetFields);
export type UnetNetwork = v.InferOutput<typeof UNET_NETWORK>;

/** `text_encoder/config.json`, whole. Some have the text model's fields in `text_config`. */
export const CLIP_NETWORK = config({
  model_type: text,
  architectures: list(text, 8),
  vocab_size: whole(1, 10_000_000),
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: whole(1, 200),
  num_attention_heads: size,
  max_position_embeddings: whole(1, 4096),
  hidden_act: text,
  layer_norm_eps: real(0, 1),
  projection_dim: size,
  eos_token_id: whole(0, 10_000_000),
  pad_token_id: whole(0, 10_000_000),
  quantization_config: quantization,
});
export type ClipNetwork = v.InferOutput<typeof CLIP_NETWORK>;

/** `vae/config.json`, whole. */
export const VAE_NETWORK = config({
  _class_name: text,
  in_channels: size,
  out_channels: size,
  latent_channels: size,
  block_out_channels: list(size, 8),
  down_block_types: list(text, 8),
  up_block_types: list(text, 8),
  layers_per_block: whole(1, 16),
  norm_num_groups: size,
  act_fn: text,
  scaling_factor: real(1e-6, 1e6),
  shift_factor: real(-1e6, 1e6),
  latents_mean: list(real(), 1024),
  latents_std: list(real(), 1024),
  use_quant_conv: flag,
  use_post_quant_conv: flag,
  mid_block_add_attention: flag,
  force_upcast: flag,
});
export type VaeNetwork = v.InferOutput<typeof VAE_NETWORK>;
