// What a .safetensors file may be that Pagoda does not run as a model, told by keys that nothing else has: one row
// each.

import { EngineError } from '../protocol/errors';

export const RUNS = 'which Pagoda does not run. Choose a model of Stable Diffusion 1.x, 2.x or XL.';
const ADDS = 'is not a whole model. Choose a model';

interface Keys {
  /** Any of these, also behind `model.diffusion_model.` and the like. */
  readonly has?: readonly string[];
  /** A key that begins so. */
  readonly begins?: readonly string[];
  /** A key with this in it. */
  readonly holds?: readonly string[];
}

/** Another network. In this order: some have keys of those behind them too. */
const MODELS: readonly [what: string, keys: Keys][] = [
  ['Stable Diffusion 3', { has: ['joint_blocks.0.context_block.adaLN_modulation.1.bias'] }],
  ['Flux.2', { has: ['single_stream_modulation.lin.weight'] }],
  ['Chroma', { has: ['distilled_guidance_layer.in_proj.bias'] }],
  ['HunyuanVideo (video)', { has: ['txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias'] }],
  ['Flux', { has: ['double_blocks.0.img_attn.norm.key_norm.scale', 'double_blocks.0.img_attn.qkv.weight'] }],
  [
    'Stable Video Diffusion (video)',
    { has: ['input_blocks.1.0.time_stack.in_layers.0.weight'], holds: ['decoder.mid.block_1.mix_factor'] },
  ],
  ['a model that makes videos', { holds: ['motion_modules.', '.time_stack.', 'temporal_transformer.'] }],
  ['Stable Cascade', { has: ['clip_txt_mapper.weight', 'down_blocks.1.0.channelwise.0.weight'] }],
  ['PixArt', { has: ['adaln_single.emb.timestep_embedder.linear_1.bias', 't_block.1.weight'] }],
  ['Hunyuan-DiT', { has: ['mlp_t5.0.weight'] }],
  ['AuraFlow', { has: ['double_layers.0.attn.w1q.weight'] }],
  ['Lumina 2', { has: ['cap_embedder.0.weight'] }],
  ['Z-Image', { has: ['layers.0.adaLN_modulation.0.weight'] }],
  ['Wan (video)', { has: ['head.modulation'] }],
  ['Qwen-Image', { has: ['txt_norm.weight'] }],
  ['HiDream', { has: ['double_stream_blocks.0.block.adaLN_modulation.1.bias'] }],
  ['Sana', { has: ['blocks.0.cross_attn.kv_linear.weight'] }],
  ['Cosmos', { has: ['net.x_embedder.proj.1.weight'] }],
  ['LTX-Video (video)', { has: ['patchify_proj.weight'] }],
  ['Mochi (video)', { has: ['blocks.0.attn.qkv_x.weight'] }],
  ['OmniGen2', { has: ['time_caption_embed.timestep_embedder.linear_1.bias'] }],
  ['Kolors', { has: ['encoder_hid_proj.weight'] }],
  ['Stable Zero123', { has: ['cc_projection.weight'] }],
  ['Stable unCLIP', { begins: ['embedder.model.'] }],
  ['AltDiffusion', { holds: ['cond_stage_model.roberta.'] }],
  ['Stable Diffusion 2 with depth', { begins: ['depth_model.'] }],
  ['Playground v2.5 (EDM noise schedule)', { has: ['edm_mean', 'edm_std'] }],
  ['a model on an EDM noise schedule, such as CosXL', { begins: ['edm_vpred.'] }],
  ['a text encoder of Stable Diffusion 3 or Flux', { begins: ['text_encoders.t5xxl.', 'text_encoders.clip_'] }],
  ['T5, a text encoder of other models,', { has: ['encoder.block.0.layer.0.SelfAttention.q.weight'] }],
];

/** Something to be added to a model. */
const ADDITIONS: readonly [what: string, keys: Keys, then: string][] = [
  [
    'A ControlNet',
    {
      begins: ['control_model.', 'controlnet_down_blocks.'],
      has: ['controlnet_cond_embedding.conv_in.weight', 'input_hint_block.0.weight'],
    },
    'without it.',
  ],
  ['An IP-Adapter', { begins: ['image_proj.', 'ip_adapter.'] }, 'without it.'],
  ['A T2I-Adapter', { begins: ['body.0.', 'adapter.body.0.'] }, 'without it.'],
  [
    'A LoRA',
    {
      holds: [
        '.lora_down.',
        '.lora_A.',
        '.lora.down.',
        '_lora.down.',
        '.lora_linear_layer.',
        '.hada_w1_a',
        '.lokr_w1',
        '.lokr_w2',
        '.oft_blocks',
        '.oft_diag',
      ],
      begins: ['lora_unet_', 'lora_te', 'lycoris_'],
    },
    'first, then add the LoRA to it.',
  ],
  [
    'A textual inversion embedding',
    { has: ['emb_params', 'clip_g', 'clip_l'], begins: ['string_to_param'] },
    'first, then add the file as “Embedding file”.',
  ],
  ['A VAE for previews (TAESD)', { has: ['decoder.layers.0.weight', 'decoder.1.weight', '1.weight'] }, 'instead.'],
  ['An upscaler (ESRGAN)', { has: ['conv_first.weight', 'model.0.weight'] }, 'instead.'],
];

/** What stands before a UNet's keys in single files. */
export const UNET_PREFIXES = ['model.diffusion_model.', 'diffusion_model.', 'unet.', ''] as const;

/**
 * Why a file with these keys is none that Pagoda runs, or null.
 * @param whole whether a UNet of a kind that is known here is there: an addition merged into it does no harm.
 */
export function refusal(all: readonly string[], whole: boolean): EngineError | null {
  const bare = new Set(all.map(withoutPrefix));
  const fits = ({ has = [], begins = [], holds = [] }: Keys) => {
    const key = has.find((name) => bare.has(name));
    if (key !== undefined) return key;
    return all.find(
      (name) => begins.some((start) => name.startsWith(start)) || holds.some((part) => name.includes(part)),
    );
  };
  for (const [what, wanted] of MODELS) {
    const key = fits(wanted);
    if (key !== undefined) return refused(`This is ${what}, ${RUNS}`, key);
  }
  for (const [what, wanted, then] of ADDITIONS) {
    const key = fits(wanted);
    const alone = !whole || what === 'A ControlNet';
    if (key !== undefined && alone) return refused(`${what} ${ADDS} ${then}`, key);
  }
  return null;
}

export function refused(message: string, key: string): EngineError {
  return new EngineError('model-invalid', message, `It has ${key.slice(0, 200)}.`);
}

function withoutPrefix(key: string): string {
  const prefix = UNET_PREFIXES.find((start) => key.startsWith(start)) ?? '';
  return key.slice(prefix.length);
}
