// Guidance where it is not linear: rescaled by standard deviations, or chosen by saliency (SNF). One workgroup an
// image. Predictions: [rows, elements] of elem; latents and the combined predictions: [images, elements] f32.
// With D = a·x + b·prediction the denoised estimate, ε_cfg = ε_∅ + g(ε_c − ε_∅) and P = s(ε_c − ε̂):
//
//   full, partial   ε̃ = ε_cfg + F·P,   F = r·std(D_c)/std(X) + 1 − r,   X = D_cfg + b·P or D_c + b·P
//   snf             ε̃ = ε_∅ + (ε_cfg − ε_∅ or P, by element: the one whose blurred magnitude has the larger softmax)
//   then            φ·ε̃·std(ε_c)/std(ε̃) + (1 − φ)·ε̃, where there is CFG (Lin et al., arXiv 2305.08891, eq. 15–16)
//
// std is unbiased over one image. The blur is a 3×3 Gaussian of σ = 1 with reflected edges; softmax goes over the
// height and width of a channel, magnitudes are those in D. Without CFG, snf is plain.

import type { CombinedImage, NonlinearGuidance } from '../diffusion/guidance';
import type { StepCoefficients } from '../diffusion/types';
import body from './rescaledGuidance.wgsl?raw';
import type { ElementType, KernelCompiler } from './compiler';
import { encodeDispatch, tensorBytes } from './dispatch';

export interface RescaledGuidanceShape {
  readonly rows: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export interface RescaledGuidanceBuffers {
  readonly predictions: GPUBuffer;
  readonly latents: GPUBuffer;
  readonly combined: GPUBuffer;
}

export interface RescaledGuidance {
  /** Encodes one dispatch; `images` says which rows each image has. @throws RangeError for a row that is not there. */
  encode(
    encoder: GPUCommandEncoder,
    buffers: RescaledGuidanceBuffers,
    images: readonly CombinedImage[],
    guidance: NonlinearGuidance,
    denoised: StepCoefficients['denoised'],
  ): void;
}

const MODES = { off: 0, full: 1, partial: 2, snf: 3 } as const;
const NO_ROW = 0xffffffff;
const WORDS_PER_IMAGE = 8;

/** @throws EngineError `shader-compile`. */
export async function createRescaledGuidance(
  compiler: KernelCompiler,
  shape: RescaledGuidanceShape,
  elem: ElementType,
): Promise<RescaledGuidance> {
  const pipeline = await compiler.pipeline({ name: 'rescaledGuidance', body }, elem);
  const elements = shape.channels * shape.height * shape.width;
  return {
    encode(encoder, buffers, images, guidance, denoised) {
      checkRows(images, shape.rows);
      const params = compiler.parameterBuffer(
        'rescaledGuidance',
        rescaledGuidanceParameters(shape, images, guidance, denoised),
      );
      encodeDispatch(
        compiler,
        encoder,
        pipeline,
        [
          { name: 'parameters', tensor: params, bytes: params.size },
          { name: 'predictions', tensor: buffers.predictions, bytes: tensorBytes(shape.rows * elements, elem) },
          { name: 'latents', tensor: buffers.latents, bytes: tensorBytes(images.length * elements, 'f32') },
          { name: 'combined', tensor: buffers.combined, bytes: tensorBytes(images.length * elements, 'f32') },
        ],
        [images.length, 1, 1],
      );
    },
  };
}

/** @throws RangeError, see `RescaledGuidance.encode`. */
export function checkRows(images: readonly CombinedImage[], rows: number): void {
  for (const { uncond, cond, perturbed } of images) {
    for (const row of [uncond ?? 0, cond, perturbed ?? 0]) {
      if (!Number.isInteger(row) || row < 0 || row >= rows)
        throw new RangeError(`rescaledGuidance: row ${row} of ${rows} is not there.`);
    }
  }
}

/** `Params` of rescaledGuidance.wgsl. */
export function rescaledGuidanceParameters(
  { channels, height, width }: RescaledGuidanceShape,
  images: readonly CombinedImage[],
  { rescale, guidanceRescale }: NonlinearGuidance,
  denoised: StepCoefficients['denoised'],
): Uint32Array {
  const words = new Uint32Array(8 + WORDS_PER_IMAGE * images.length);
  const floats = new Float32Array(words.buffer);
  words.set([channels, height, width, MODES[rescale.mode]]);
  floats.set([denoised.sample, denoised.prediction, 'amount' in rescale ? rescale.amount : 0, guidanceRescale], 4);
  images.forEach(({ uncond, cond, perturbed, guidanceScale, pagScale }, image) => {
    const at = 8 + WORDS_PER_IMAGE * image;
    words.set([uncond ?? NO_ROW, cond, perturbed ?? NO_ROW], at);
    floats.set([guidanceScale, pagScale], at + 4);
  });
  return words;
}
