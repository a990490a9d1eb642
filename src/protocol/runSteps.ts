// What a run's steps came to, to be shown, and the states from which later runs go on.

import type { Settings } from '../settings/fields';
import type { Pair, Pixels, Push } from './pictureData';

/** What one of the user's steps came to, where a run of one image is asked for it. Of two stages: the first. */
export interface StepTrace {
  /** From 0. */
  readonly step: number;
  /** In the σ of x₀ + σ·ε. */
  readonly sigma: number;
  readonly pagScale: number;
  /** The denoised estimates, decoded or with a pixel a latent. */
  readonly withPag: Pixels;
  readonly withoutPag: Pixels | null;
  /** What PAG steers away from; null where no perturbed row ran. */
  readonly perturbed: Pixels | null;
  /** |ε_c − ε̂|, the mean over the channels of each latent. */
  readonly push: Push | null;
  /** ‖ε_c − ε_∅‖ and ‖ε_c − ε̂‖ over the latents of the image with PAG. */
  readonly norms: { readonly cfg: number | null; readonly pag: number | null };
}

/** Of one image before a record of its run. */
export interface ImageState {
  readonly record: number;
  /** f32 [channels, height, width]. */
  readonly latents: Float32Array;
  /** f32 [depth, channels, height, width]; empty where no record of the run reads any. */
  readonly history: Float32Array;
}

/** What a run whose steps were told has left of an image, beside its picture. */
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
