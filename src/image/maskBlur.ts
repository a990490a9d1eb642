// A Gaussian over a mask, as A1111's "Mask blur" has it from OpenCV: 2·⌊2.5σ + ½⌋ + 1 taps, along rows and then along
// columns, each pass rounded to 8 bits, the mask mirrored at its edges without repeating them (reflect-101). Where all
// that a tap reads is the same there is nothing to compute: only edges of the mask cost.

import type { GrayPixels } from './resample';

/** @param sigma in pixels; 0 leaves the mask as it is. */
export function blurMask(mask: GrayPixels, sigma: number): GrayPixels {
  const radius = Math.floor(2.5 * sigma + 0.5);
  if (radius === 0) return mask;
  const taps = gaussian(radius, sigma);
  const { width, height } = mask;
  const across = new Uint8Array(mask.gray.length);
  for (let row = 0; row < height; row += 1) blurLine(mask.gray, across, row * width, 1, width, taps);
  const gray = new Uint8Array(mask.gray.length);
  for (let column = 0; column < width; column += 1) blurLine(across, gray, column, width, height, taps);
  return { width, height, gray };
}

/** From the middle outwards; all taps sum to 1. */
function gaussian(radius: number, sigma: number): Float64Array {
  const taps = Float64Array.from({ length: radius + 1 }, (_, at) => Math.exp(-(at ** 2) / (2 * sigma ** 2)));
  const sum = taps.reduce((all, tap, at) => all + (at === 0 ? tap : 2 * tap), 0);
  return taps.map((tap) => tap / sum);
}

function blurLine(
  from: Uint8Array,
  into: Uint8Array,
  start: number,
  stride: number,
  length: number,
  taps: Float64Array,
): void {
  const radius = taps.length - 1;
  const line = new Uint8Array(length + 2 * radius);
  for (let at = 0; at < line.length; at += 1) line[at] = from[start + stride * mirrored(at - radius, length)]!;
  /** How many neighbours within reach differ: there are none in an even part. */
  let edges = 0;
  for (let at = 0; at < 2 * radius; at += 1) edges += Number(line[at] !== line[at + 1]);
  for (let index = 0; index < length; index += 1) {
    const middle = index + radius;
    if (edges === 0) into[start + stride * index] = line[middle]!;
    else {
      let sum = taps[0]! * line[middle]!;
      for (let tap = 1; tap <= radius; tap += 1) sum += taps[tap]! * (line[middle - tap]! + line[middle + tap]!);
      into[start + stride * index] = Math.round(sum);
    }
    edges -= Number(line[index] !== line[index + 1]);
    edges += Number(line[middle + radius] !== line[middle + radius + 1]);
  }
}

/** The end itself is not repeated: … 2 1 0 1 2 …. */
function mirrored(index: number, length: number): number {
  if (index >= 0 && index < length) return index;
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const within = ((index % period) + period) % period;
  return Math.min(within, period - within);
}
