// Models on the hub that are known to be Stable Diffusion in ONNX, as plain data. Where a repository has files
// under names of its own they are listed by role; what it leaves out is given here: configs (the published ones of
// the model that it was exported from), or the repository whose tokenizer it uses.

import type { RepoId } from './repoId';
import type { Role, RolePaths } from './roles';
import { USUAL_LCM, USUAL_SD, USUAL_TURBO, type UsualSettings } from './usual';

export interface HubEntry extends RepoId {
  readonly name: string;
  /** One sentence: what it is and what it asks of the device. */
  readonly note: string;
  readonly usual: UsualSettings;
  /** Files with unusual names. */
  readonly roles?: RolePaths;
  /** Used where the repository has no such file. */
  readonly configs?: Readonly<Partial<Record<Role, object>>>;
  readonly tokenizerFrom?: RepoId;
}

const SCALED_LINEAR = { beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012, num_train_timesteps: 1000 };
const SD1_CONFIGS = {
  scheduler: { _class_name: 'PNDMScheduler', ...SCALED_LINEAR, set_alpha_to_one: false, skip_prk_steps: true, steps_offset: 1 },
  unetConfig: { sample_size: 64, in_channels: 4, cross_attention_dim: 768 },
  vaeConfig: { scaling_factor: 0.18215 },
};
const TURBO_CONFIGS = {
  scheduler: { _class_name: 'EulerDiscreteScheduler', ...SCALED_LINEAR, prediction_type: 'epsilon', timestep_spacing: 'trailing', steps_offset: 1 },
  tokenizerConfig: { model_max_length: 77, bos_token: '<|startoftext|>', eos_token: '<|endoftext|>', pad_token: '!' },
  unetConfig: { sample_size: 64, in_channels: 4, cross_attention_dim: 1024 },
  vaeConfig: { scaling_factor: 0.18215 },
};
const CLIP: RepoId = { repo: 'Xenova/clip-vit-base-patch16', revision: 'main' };

export const HUB_MODELS: readonly HubEntry[] = [
  {
    name: 'SD-Turbo', repo: 'schmuell/sd-turbo-ort-web', revision: 'main',
    note: 'One to four steps, without CFG. 512 × 512.', usual: USUAL_TURBO,
    configs: TURBO_CONFIGS, tokenizerFrom: CLIP,
  },
  {
    name: 'Stable Diffusion 2.1 base', repo: 'aislamov/stable-diffusion-2-1-base-onnx', revision: 'main',
    note: 'Half precision. 512 × 512, 20 steps or more.', usual: USUAL_SD,
  },
  {
    name: 'LCM Dreamshaper 7', repo: 'aislamov/lcm-dreamshaper-v7-onnx', revision: 'main',
    note: 'Four to eight steps. Half precision.', usual: USUAL_LCM,
  },
  {
    name: 'Stable Diffusion 1.5', repo: 'microsoft/stable-diffusion-v1.5-webnn', revision: 'main',
    note: 'Half precision, two rows at a time. 512 × 512, 20 steps or more.', usual: USUAL_SD,
    roles: {
      textEncoder: 'text-encoder.onnx',
      unet: 'sd-unet-v1.5-model-b2c4h64w64s77-float16-compute-and-inputs-layernorm.onnx',
      vaeDecoder: 'Stable-Diffusion-v1.5-vae-decoder-float16-fp32-instancenorm.onnx',
    },
    configs: SD1_CONFIGS, tokenizerFrom: CLIP,
  },
  {
    name: 'SD-Turbo, half precision', repo: 'microsoft/sd-turbo-webnn', revision: 'main',
    note: 'One to four steps, without CFG. Half precision.', usual: USUAL_TURBO,
    roles: { textEncoder: 'text_encoder/model_layernorm.onnx', unet: 'unet/model_layernorm.onnx' },
    configs: TURBO_CONFIGS, tokenizerFrom: CLIP,
  },
];
