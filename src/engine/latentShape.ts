// The size of the latents. A graph whose size is fixed decides; else the UNet's config says, in latents
// (`sample_size`), what the model was trained at, and a run may have another.

import type { UnetConfig, VaeConfig } from '../configs/schemas';
import type { Model, ValueInfo } from '../onnx/file/model';
import { factsAt } from '../onnx/graph/factsOf';
import { EngineError } from '../protocol/errors';
import type { PictureSizes } from '../settings/pictureSize';

/** [channels, height, width] of one image's latents. */
export type LatentShape = readonly [channels: number, height: number, width: number];

/** A graph that latents go through, and its inputs' sizes at a size of them. */
export interface SizedGraph {
  readonly model: Model;
  readonly output: string;
  readonly dimsAt: (latents: LatentShape) => ReadonlyMap<string, readonly number[]>;
}

/** Of the model's own size. Throws EngineError `model-invalid` where UNet and VAE are fixed to different sizes. */
export function latentShape(sample: ValueInfo, vaeInput: ValueInfo, config: UnetConfig): [number, number, number] {
  const size = config.sample_size ?? 64;
  const channels = config.in_channels ?? LATENTS;
  const beside = besideChannels(sample, config);
  const trained = [channels - beside, ...(Array.isArray(size) ? size : [size, size])];
  const shape = trained.map((usual, axis) => {
    const [all, vae] = [sample.dims?.[axis + 1], vaeInput.dims?.[axis + 1]];
    const unet = axis === 0 && typeof all === 'number' ? all - beside : all;
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

/** Channels that a UNet for inpainting reads: those of the latents, the mask, and those of the masked image. */
const INPAINTING = 9;
const LATENTS = 4;

/** How many channels a UNet reads beside the latents. */
export function besideChannels(sample: ValueInfo, config: UnetConfig): number {
  const channels = sample.dims?.[1];
  const all = typeof channels === 'number' ? channels : (config.in_channels ?? LATENTS);
  return all === INPAINTING ? INPAINTING - LATENTS : 0;
}

/** Pixels along an edge for each latent: diffusers' `vae_scale_factor`; 8 where the config does not say. */
export function pixelsPerLatent({ spatial_compression_ratio: ratio, block_out_channels: blocks }: VaeConfig): number {
  if (ratio !== undefined) return ratio;
  return blocks && blocks.length > 0 ? 2 ** (blocks.length - 1) : 8;
}

/**
 * @param own the model's own size. @param unet which tells the multiple by its downsamplings.
 * @param vae the decoder, which gives `pixels` along an edge for each latent.
 */
export function pictureSizes(own: LatentShape, unet: SizedGraph, vae: SizedGraph, pixels: number): PictureSizes {
  const [channels, height, width] = own;
  const step = 2 ** downsamplings(unet.model);
  const another: LatentShape = [channels, 2 * step * Math.ceil(height / step), step * (1 + Math.ceil(width / step))];
  const isFixed = isFixedTo(unet, own, another, 1) || isFixedTo(vae, own, another, pixels);
  return { own: { width: width * pixels, height: height * pixels }, multiple: pixels * step, isFixed };
}

/** Convolutions of stride 2: the UNet's way down has no others. */
function downsamplings({ nodes }: Model): number {
  return nodes.filter(
    ({ opType, attributes }) =>
      opType === 'Conv' && (attributes.get('strides')?.ints ?? []).some((stride) => stride === 2),
  ).length;
}

/**
 * Whether a graph takes latents of one size alone. One whose exporter wrote that size into the constants of its
 * Reshapes tells it by what comes out at another: something else, or nothing that can be inferred.
 */
function isFixedTo(graph: SizedGraph, own: LatentShape, another: LatentShape, pixels: number): boolean {
  // Another size first: nearly all graphs take it, and then nothing has to be inferred at their own.
  return fits(graph, another, pixels) !== true && fits(graph, own, pixels) === true;
}

/** Whether what comes out is `pixels` times as large as the latents; null where it cannot be inferred. */
function fits({ model, output, dimsAt }: SizedGraph, latents: LatentShape, pixels: number): boolean | null {
  const dims = dimsAt(latents);
  const contradicts = model.inputs.some((input) =>
    input.dims?.some((dim, axis) => typeof dim === 'number' && dim !== dims.get(input.name)?.[axis]),
  );
  if (contradicts) return false;
  const made = (factsAt(model, dims).shapes.get(output) ?? [null, null, null, null]).slice(2);
  return made.includes(null) ? null : made.every((edge, axis) => edge === latents[axis + 1]! * pixels);
}
