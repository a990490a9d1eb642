// What a run's steps came to, to be shown, and the states from which later runs go on.

import type { LatentColours } from '../diffusion/latentColours';
import type { Settings } from '../settings/fields';
import type { Pair, PicturePart, Pixels, Push } from './pictureData';

/** Latents that are kept to be looked at: f16 is enough for that. */
export interface StepLatents {
  /** [channels, height, width]. */
  readonly dims: readonly [number, number, number];
  /** Bits of f16 numbers. */
  readonly halves: Uint16Array<ArrayBuffer>;
}

/** A denoised estimate x₀, to be decoded; earlier versions kept its picture. */
export type Estimate = StepLatents | Pixels;

/** What one of the user's steps came to, of a run of one image. Of two stages: the first. */
export interface StepTrace {
  /** From 0. */
  readonly step: number;
  /** In the σ of x₀ + σ·ε. */
  readonly sigma: number;
  readonly pagScale: number;
  readonly withPag: Estimate;
  /** null where the run does not compare. */
  readonly withoutPag: Estimate | null;
  /** What PAG steers away from; null where no perturbed row ran. */
  readonly perturbed: Estimate | null;
  /** |ε_c − ε̂|, the mean over the channels of each latent. */
  readonly push: Push | null;
  /** ‖ε_c − ε_∅‖ and ‖ε_c − ε̂‖ over the latents of the image with PAG. */
  readonly norms: { readonly cfg: number | null; readonly pag: number | null };
  /** What its latents look like without a decoder; null where that is not known, and a session decodes alone. */
  readonly colours: LatentColours | null;
  /** Where of the picture latents and push lie; absent: on all of it. */
  readonly within?: PicturePart;
}

/** Of one image before a record of its run. */
export interface ImageState {
  readonly record: number;
  /** f32 [channels, height, width]. */
  readonly latents: Float32Array;
  /** f32 [depth, channels, height, width]; empty where no record of the run reads any. */
  readonly history: Float32Array;
}

/** What a run has left of an image, beside its picture. */
export interface LeftImage {
  readonly of: 'withPag' | 'withoutPag';
  /** f32 [channels, height, width], at the end. */
  readonly latents: Float32Array;
  readonly states: readonly ImageState[];
}

/** A run as it is kept for another visit. */
export interface LeftRun {
  readonly settings: Settings;
  readonly pair: Pair;
  readonly images: readonly LeftImage[];
  readonly traces: readonly StepTrace[];
}
