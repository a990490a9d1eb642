// What a run begins with: noise, or noise on the latents of a start image; and with a mask what of it stays known.
//
// A UNet for inpainting (Rombach et al., arXiv 2112.10752, 9 input channels) sees beside the latents where something is
// to be made, and the latents of the image with that part grey: 1 + 4 channels. Without a mask it is to make all of it,
// as in A1111.

import { stepsRun, type PlannedStart, type RunPlan } from '../diffusion/runPlan';
import type { GrayPixels } from '../image/resample';
import { EngineError } from '../protocol/errors';
import type { StartImage } from '../protocol/pictureData';
import type { Settings } from '../settings/fields';
import { pictureSize } from '../settings/pictureSize';
import { elements } from './backend';
import { latentsOfRun, type DiffusionModel } from './diffusionModel';
import type { LatentShape } from './latentShape';
import type { SeedNoise } from './seedNoise';
import { nothingMasked, pictureKey, canvasKey, type StartCanvas } from './startCanvas';
import { sampleOf, type LatentDistribution } from './vaeEncoder';

export interface Start {
  readonly planned: PlannedStart;
  /** Of the whole image; null where the run reads none. */
  readonly image: LatentDistribution | null;
  /** Of what the mask leaves of it, for a UNet that reads that. */
  readonly masked: LatentDistribution | null;
  /** [height, width] of the latents: 1 is made anew; null where there is nothing to be told apart. */
  readonly mask: Float32Array | null;
  /** null where pictures are finished as they are decoded. */
  readonly canvas: StartCanvas | null;
}

/**
 * null of a run from noise alone.
 * @throws EngineError `start-impossible`, before anything is computed where model or settings are why.
 */
export async function startOf(
  model: DiffusionModel,
  settings: Settings,
  image: StartImage | null,
): Promise<Start | null> {
  const { vaeEncoder, canvases, info, unet } = model;
  const reads = unet.besideChannels > 0;
  if (!image && !reads) return null;
  const { steps } = settings;
  const strength = image ? settings.strength : 1;
  if (!vaeEncoder) throw withoutEncoder(image !== null);
  if (stepsRun(steps, { strength }) === 0)
    throw new EngineError(
      'start-impossible',
      `At a strength of ${strength} none of ${steps} steps is run, and the start image would come back as it is. ` +
        `Raise the strength to ${leastStrength(steps)} or more, or take more steps.`,
    );
  const shape = latentsOfRun(model, settings);
  const size = pictureSize(settings, info.sizes);
  const count = elements(shape);
  const canvas = image?.mask ? await canvases.of(image, settings, size) : null;
  const mask = canvas?.mask ? latentMask(canvas.mask, shape, settings.maskArea) : null;
  const whole =
    image && !(reads && strength === 1)
      ? await vaeEncoder.encode(
          pictureKey(image, settings, size),
          async () => (await canvases.of(image, settings, size)).picture,
          size,
          count,
        )
      : null;
  // Where nothing of it is left the picture is grey, whatever it was.
  const masked = !reads
    ? null
    : image && canvas?.mask
      ? await vaeEncoder.encode(
          canvasKey(image, settings, size),
          () => Promise.resolve(canvas.picture),
          size,
          count,
          canvas.mask,
        )
      : await vaeEncoder.encode(JSON.stringify(['grey', size]), null, size, count);
  return {
    planned: {
      strength,
      draws: (whole ?? masked)?.deviation ? 1 : 0,
      mask: reads ? 'read' : mask && 'blended',
    },
    image: whole,
    masked,
    mask: reads && !mask ? new Float32Array(shape[1] * shape[2]).fill(1) : mask,
    canvas,
  };
}

/**
 * Half and more of the one pixel in each latent's corner, as diffusers takes it (`interpolate`, nearest).
 * @throws EngineError `start-impossible` where none is.
 */
function latentMask(
  { width, gray }: GrayPixels,
  [, high, wide]: LatentShape,
  area: Settings['maskArea'],
): Float32Array {
  const pixels = width / wide;
  const mask = Float32Array.from({ length: high * wide }, (_, at) => {
    const [row, column] = [Math.floor(at / wide), at % wide];
    return Number(gray[pixels * (row * width + column)]! > 127);
  });
  if (mask.includes(1)) return mask;
  if (gray.every((level) => level === 0)) throw nothingMasked();
  const closer = area === 'whole' ? '“Only masked”' : 'a smaller padding';
  throw new EngineError(
    'start-impossible',
    `The mask is too small or too thin at this size: the model tells places ${pixels} pixels apart, and none of them ` +
      `is under it. Paint more, make a larger picture, or choose ${closer}.`,
  );
}

/** Of which one step is left, to two digits. */
function leastStrength(steps: number): number {
  return Math.ceil(100 / steps) / 100;
}

function withoutEncoder(hasImage: boolean): EngineError {
  return new EngineError(
    'start-impossible',
    hasImage
      ? 'This model came without its VAE’s encoder, through which a start image goes. Remove the start image, or ' +
          'choose another model; one that was fetched by an earlier Pagoda may have its encoder when fetched again.'
      : 'This model is made for inpainting and reads an image, but came without its VAE’s encoder. Choose a VAE that ' +
          'has one, or another model.',
  );
}

/** What the plan's `init` begins with, [images, …] each. */
export interface FirstLatents {
  readonly latents: Float32Array;
  /** Where the rest is blended in: the start image's latents, and the noise on them. */
  readonly known: { readonly start: Float32Array; readonly noise: Float32Array } | null;
  /** Channels beside the latents, where the UNet reads some: the mask, then the masked image. */
  readonly beside: Float32Array | null;
}

/** Of every image the same with PAG and without, in the order of draws that the plan has. */
export function firstLatents(
  { init, images }: Pick<RunPlan, 'init' | 'images'>,
  start: Start | null,
  source: SeedNoise,
  shape: LatentShape,
): FirstLatents {
  const count = elements(shape);
  const draw = () => source.randn(count);
  const one = start?.image ? repeated(sampleOf(start.image, draw), images * count) : null;
  const noise = repeated(draw(), images * count);
  const latents = noise.map((value, at) => init.noise * value + (one && init.sample ? init.sample * one[at]! : 0));
  if (!start || start.planned.mask == null || !start.mask) return { latents, known: null, beside: null };
  // diffusers samples the masked image too where nobody reads it.
  if (!start.masked && start.planned.draws > 0) draw();
  if (!start.masked) return { latents, known: { start: one!, noise }, beside: null };
  return { latents, known: null, beside: besides(start.mask, sampleOf(start.masked, draw), count, images) };
}

/** The mask and the masked image's latents of each seed. [images, 1 + channels, height, width] */
function besides(mask: Float32Array, latents: Float32Array, count: number, images: number): Float32Array {
  const stride = mask.length + count;
  const values = new Float32Array(images * stride);
  for (let image = 0; image < images; image += 1) {
    const from = (image * count) % latents.length;
    values.set(mask, image * stride);
    values.set(latents.subarray(from, from + count), image * stride + mask.length);
  }
  return values;
}

/** The next standard normal noise of each seed: one draw, the same with PAG and without. [images, …] */
export function sameNoise(source: SeedNoise, dims: readonly number[]): Float32Array {
  return repeated(source.randn(elements(dims.slice(1))), elements(dims));
}

function repeated(values: Float32Array, length: number): Float32Array {
  return Float32Array.from({ length }, (_, at) => values[at % values.length]!);
}
