// The size of the latents. A graph whose size is fixed decides; else the UNet's config says, in latents
// (`sample_size`), what the model was trained at.

import type { UnetConfig, VaeConfig } from '../configs/schemas';
import type { ValueInfo } from '../onnx/file/model';
import { EngineError } from '../protocol/errors';

/** [channels, height, width]. Throws EngineError `model-invalid` where UNet and VAE are fixed to different sizes. */
export function latentShape(sample: ValueInfo, vaeInput: ValueInfo, config: UnetConfig): [number, number, number] {
  const size = config.sample_size ?? 64;
  const trained = [config.in_channels ?? 4, ...(Array.isArray(size) ? size : [size, size])];
  const shape = trained.map((usual, axis) => {
    const [unet, vae] = [sample.dims?.[axis + 1], vaeInput.dims?.[axis + 1]];
    if (typeof unet === 'number' && typeof vae === 'number' && unet !== vae) {
      throw new EngineError(
        'model-invalid',
        "The model's UNet and its VAE are made for pictures of different sizes. Choose another model.",
        `UNet [${sample.dims?.join(', ')}], VAE [${vaeInput.dims?.join(', ')}]`,
      );
    }
    return [unet, vae, usual].find((dim) => typeof dim === 'number') as number;
  });
  return shape as [number, number, number];
}

/** Pixels along an edge for each latent: diffusers' `vae_scale_factor`; 8 where the config does not say. */
export function pixelsPerLatent({ block_out_channels: blocks }: VaeConfig): number {
  return blocks && blocks.length > 0 ? 2 ** (blocks.length - 1) : 8;
}
