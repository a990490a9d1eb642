// What is made under a mask, put into the picture that it was made for: pasted where its box lies, and the picture's
// own pixels laid over it where the mask is not. c = made·m + own·(1 − m), rounded to nearest, m the mask's level ÷
// 255: where the mask is 0 the picture is as it was, bit by bit.

import type { RgbaPixels } from './pixels';
import type { Box, GrayPixels, RgbPixels } from './resample';

/** @param made of the box's size. */
export function pasted(own: RgbPixels, made: RgbPixels, { left, top, right }: Box): RgbPixels {
  const rgb = own.rgb.slice();
  const stride = 3 * (right - left);
  for (let row = 0; row < made.height; row += 1)
    rgb.set(made.rgb.subarray(row * stride, (row + 1) * stride), 3 * ((top + row) * own.width + left));
  return { ...own, rgb };
}

/** All of one size. */
export function laidOver(made: RgbPixels, own: RgbPixels, { gray }: GrayPixels): RgbPixels {
  const rgb = new Uint8Array(made.rgb.length);
  for (let at = 0; at < rgb.length; at += 1) {
    const level = gray[Math.floor(at / 3)]!;
    rgb[at] = Math.round((made.rgb[at]! * level + own.rgb[at]! * (255 - level)) / 255);
  }
  return { ...made, rgb };
}

export function opaque({ width, height, rgb }: RgbPixels): RgbaPixels {
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    rgba[to] = rgb[from]!;
    rgba[to + 1] = rgb[from + 1]!;
    rgba[to + 2] = rgb[from + 2]!;
  }
  return { width, height, rgba };
}
