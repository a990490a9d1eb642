// A file with a VAE and nothing else: AutoencoderKL under CompVis's names or diffusers', or a tiny one (TAESD) under
// diffusers' names.

import { EngineError } from '../protocol/errors';
import { identify, vaePrefix } from './identify';
import type { SafetensorsHeader } from './safetensors';
import type { Sources } from './tensorSources';
import type { VaeStructure } from './vaeConfig';

export type VaeAlone =
  | { readonly kind: 'kl'; readonly sources: Sources; readonly config: VaeStructure }
  | { readonly kind: 'tiny'; readonly sources: Sources; readonly config: Pick<VaeStructure, 'block_out_channels'> };

/** TAESD's first convolution and its last, which bound its decoder. */
const TINY_FIRST = 'decoder.layers.0.weight';
const TINY_LAST = 'decoder.layers.18.weight';
const TINY_WIDTHS = [64, 64, 64, 64];

/** Whether the file is that, without looking closer. */
export function isVaeAlone(header: SafetensorsHeader): boolean {
  if (isTiny(header.tensors)) return true;
  const others = /(^|\.)(input_blocks|down_blocks\.\d+\.attentions|time_embed|time_embedding|token_embedding|lora)\b/;
  return vaePrefix(header) !== null && ![...header.tensors.keys()].some((key) => others.test(key));
}

/** @throws EngineError `model-invalid`: what the file is instead, or what of it is damaged. */
export function vaeAlone(header: SafetensorsHeader): VaeAlone {
  if (isTiny(header.tensors)) {
    const [, latents] = header.tensors.get(TINY_FIRST)!.shape;
    if (latents !== 4 || header.tensors.get(TINY_LAST)?.shape[0] !== 3)
      throw unfit(`${TINY_FIRST} with ${latents} latent channels`);
    const sources = new Map([...header.tensors].map(([name, tensor]) => [name, { tensor, shape: tensor.shape }]));
    return { kind: 'tiny', sources, config: { block_out_channels: TINY_WIDTHS } };
  }
  const { vae } = identify(header);
  if (!vae?.config.halves.includes('decoder')) throw unfit('no decoder');
  return { kind: 'kl', sources: vae.sources, config: vae.config };
}

function isTiny(tensors: SafetensorsHeader['tensors']): boolean {
  return tensors.get(TINY_FIRST)?.shape.length === 4;
}

function unfit(detail: string): EngineError {
  return new EngineError(
    'model-invalid',
    'This VAE is one of another kind of model. Choose a VAE of Stable Diffusion 1.x, 2.x or XL.',
    detail,
  );
}
