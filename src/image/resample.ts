// Pictures in other sizes, as Pillow makes them, level by level: browsers' canvases differ from it and from one
// another. Each pixel is a sum over the filter's support, which grows with the ratio where a picture shrinks; weights
// are rounded to 22 bits and each of two passes to 8 bits (Pillow's Resample.c). The one along rows comes first, unless
// the height shrinks by more than twice as many pixels as the width, which is Pillow's way as of version 13.
//
//   Lanczos, a = 3      sinc(x)·sinc(x/3)
//   bicubic, a = −½     Keys' cubic convolution: Pillow's own choice, with which diffusers stretches edges

export interface RgbPixels {
  readonly width: number;
  readonly height: number;
  /** Top row first, three bytes a pixel. */
  readonly rgb: Uint8Array<ArrayBuffer>;
}

export interface GrayPixels {
  readonly width: number;
  readonly height: number;
  /** Top row first, a byte a pixel. */
  readonly gray: Uint8Array<ArrayBuffer>;
}

/** Either of both. */
export interface Interleaved {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Top row first, the channels of a pixel side by side. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface Filter {
  readonly support: number;
  readonly at: (x: number) => number;
}

export const LANCZOS: Filter = { support: 3, at: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) };

export const BICUBIC: Filter = {
  support: 2,
  at: (given) => {
    const x = Math.abs(given);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  },
};

/** Where something of a picture begins and ends, in its pixels; a box without extent is the edge there. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const BITS = 22;

export function boxOf({ width, height }: Interleaved): Box {
  return { left: 0, top: 0, right: width, bottom: height };
}

/** A part of a picture, all of it if not given, in another size. */
export function resample(picture: Interleaved, width: number, height: number, filter: Filter, part?: Box): Interleaved {
  const box = part ?? boxOf(picture);
  const across = (from: Interleaved) =>
    width === picture.width && box.left === 0 && box.right === width
      ? from
      : acrossRows(from, weightsOf(filter, picture.width, box.left, box.right, width));
  const along = (from: Interleaved) =>
    height === picture.height && box.top === 0 && box.bottom === height
      ? from
      : alongColumns(from, weightsOf(filter, picture.height, box.top, box.bottom, height));
  const [lessWide, lessHigh] = [picture.width - width, picture.height - height];
  return lessHigh > Math.max(0, 2 * lessWide) ? across(along(picture)) : along(across(picture));
}

/** Of each pixel that is made, the first that it reads and its factors, times 2²². */
interface Weights {
  readonly from: number;
  readonly factors: Int32Array;
}

function weightsOf({ support, at }: Filter, size: number, begin: number, end: number, made: number): Weights[] {
  const scale = (end - begin) / made;
  const spread = Math.max(1, scale);
  return Array.from({ length: made }, (_, index) => {
    const center = begin + (index + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support * spread + 0.5));
    const to = Math.min(size, Math.trunc(center + support * spread + 0.5));
    const values = Array.from({ length: to - from }, (__, k) => at((k + from - center + 0.5) / spread));
    const sum = values.reduce((all, value) => all + value, 0);
    return { from, factors: Int32Array.from(values, (value) => rounded((value / (sum || 1)) * 2 ** BITS)) };
  });
}

function acrossRows({ width, height, channels, bytes }: Interleaved, weights: readonly Weights[]): Interleaved {
  const made = new Uint8Array(channels * weights.length * height);
  weights.forEach(({ from, factors }, column) => {
    for (let row = 0; row < height; row += 1)
      for (let channel = 0; channel < channels; channel += 1)
        made[channels * (row * weights.length + column) + channel] = level(
          bytes,
          channels * (row * width + from) + channel,
          channels,
          factors,
        );
  });
  return { width: weights.length, height, channels, bytes: made };
}

function alongColumns({ width, channels, bytes }: Interleaved, weights: readonly Weights[]): Interleaved {
  const made = new Uint8Array(channels * width * weights.length);
  const stride = channels * width;
  weights.forEach(({ from, factors }, row) => {
    for (let at = 0; at < stride; at += 1) made[row * stride + at] = level(bytes, from * stride + at, stride, factors);
  });
  return { width, height: weights.length, channels, bytes: made };
}

function level(bytes: Uint8Array, first: number, stride: number, factors: Int32Array): number {
  let sum = 2 ** (BITS - 1);
  for (let k = 0; k < factors.length; k += 1) sum += bytes[first + k * stride]! * factors[k]!;
  return Math.min(255, Math.max(0, sum >> BITS));
}

/** Halves away from 0. */
function rounded(value: number): number {
  return Math.trunc(value + (value < 0 ? -0.5 : 0.5));
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
