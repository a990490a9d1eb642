// A visitor's picture as the bytes that a run starts from: what is transparent laid on white. And a mask for it, white
// or opaque where it is made anew: its alpha where it has one that is not opaque (A1111: more than 128 is masked), else
// its luminance as Pillow has it, (19595·R + 38470·G + 7471·B + 2¹⁵) / 2¹⁶.

import { fitMask } from './fitPicture';
import { decodePicture, isTransparent, type DecodedPicture } from './decodedPicture';
import type { RgbPixels } from './resample';

export interface ReadStart {
  readonly picture: RgbPixels;
  readonly isAnimated: boolean;
  readonly isDeep: boolean;
  readonly isTransparent: boolean;
}

export interface ReadMask {
  readonly gray: Uint8Array<ArrayBuffer>;
  /** Its own size, where that is not the one that was asked for. */
  readonly scaledFrom: { readonly width: number; readonly height: number } | null;
  readonly isByAlpha: boolean;
}

/** @throws DOMException where the browser cannot read it; RangeError where it has too many pixels */
export async function startPicture(file: Blob): Promise<ReadStart> {
  return withDecoded(file, (decoded) => {
    const { width, height, head } = decoded;
    const rgb = new Uint8Array(3 * width * height);
    decoded.bands((rgba, row) => rgb.set(withoutAlpha(rgba), 3 * width * row), true);
    const { isAnimated = false, isDeep = false } = head ?? {};
    const picture = { width, height, rgb };
    return { picture, isAnimated, isDeep, isTransparent: head?.format !== 'JPEG' && isTransparent(decoded) };
  });
}

/** A mask file for a picture of this size. @throws as `startPicture` */
export async function maskPicture(file: Blob, width: number, height: number): Promise<ReadMask> {
  return withDecoded(file, (decoded) => {
    const isByAlpha = decoded.head?.format !== 'JPEG' && isTransparent(decoded);
    const gray = new Uint8Array(decoded.width * decoded.height);
    decoded.bands((rgba, row) => {
      let to = row * decoded.width;
      for (let at = 0; at < rgba.length; at += 4, to += 1)
        gray[to] = isByAlpha ? opaque(rgba[at + 3]!) : luminance(rgba, at);
    }, false);
    if (decoded.width === width && decoded.height === height) return { gray, scaledFrom: null, isByAlpha };
    const scaledFrom = { width: decoded.width, height: decoded.height };
    return { gray: fitMask({ ...scaledFrom, gray }, width, height, 'stretch').gray, scaledFrom, isByAlpha };
  });
}

function opaque(alpha: number): number {
  return alpha > 128 ? 255 : 0;
}

function luminance(rgba: Uint8ClampedArray, at: number): number {
  return (19595 * rgba[at]! + 38470 * rgba[at + 1]! + 7471 * rgba[at + 2]! + 2 ** 15) >> 16;
}

async function withDecoded<T>(file: Blob, read: (decoded: DecodedPicture) => T): Promise<T> {
  const decoded = await decodePicture(file);
  try {
    return read(decoded);
  } finally {
    decoded.close();
  }
}

export function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array((3 * rgba.length) / 4);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from]!;
    rgb[to++] = rgba[from + 1]!;
    rgb[to++] = rgba[from + 2]!;
  }
  return rgb;
}
