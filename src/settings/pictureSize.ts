// The size of a run's pictures: what the settings ask for, as far as the model can do it. Latents are a picture's
// pixels divided by the VAE's factor, and the UNet halves them once a downsampling; what comes up again must meet what
// was kept on the way down, so that each edge is a multiple of
//
//   VAE factor · 2^downsamplings        64 pixels for SD 1.x and 2.x (8 · 2³), 32 for SDXL (8 · 2²)
//
// diffusers has a way around it in Python (`forward_upsample_size`), which no exported graph holds.

import type { Settings } from './fields';
import type { NumberRule } from './numbers';

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What a model says of the sizes of its pictures. */
export interface PictureSizes {
  /** What it was trained at, or what its graph is fixed to. */
  readonly own: Size;
  /** Of which each edge is a multiple, in pixels. */
  readonly multiple: number;
  /** Its graph was exported for `own` alone. */
  readonly isFixed: boolean;
}

/** Pixels along an edge at most: the largest multiple up to it. */
export const MOST_EDGE = 4096;

/** What may be typed for an edge. */
export function edgeRule({ own, multiple }: PictureSizes, edge: 'width' | 'height'): NumberRule & { multiple: number } {
  const most = multiple * Math.floor(MOST_EDGE / multiple);
  return { min: multiple, max: most, whole: true, step: multiple, multiple, fallback: own[edge] };
}

/** The size of a run's pictures; 0 in the settings is the model's own. */
export function pictureSize({ width, height }: Pick<Settings, 'width' | 'height'>, sizes: PictureSizes): Size {
  return { width: edge(width, sizes.own.width, sizes), height: edge(height, sizes.own.height, sizes) };
}

/** As settings say a size: the model's own is 0, so that it follows the model. */
export function sizeSettings({ width, height }: Size, { own }: PictureSizes): Size {
  return width === own.width && height === own.height ? { width: 0, height: 0 } : { width, height };
}

function edge(asked: number, own: number, { multiple, isFixed }: PictureSizes): number {
  if (isFixed || asked === 0 || asked === own) return own;
  const most = Math.floor(MOST_EDGE / multiple);
  return multiple * Math.min(most, Math.max(1, Math.round(asked / multiple)));
}
