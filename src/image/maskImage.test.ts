// A mask's blur against OpenCV (fixtures/inpaint/make_blur.py), its box against diffusers' `get_crop_region`
// (shared reference vectors), and what is laid over what.

import { describe, expect, test } from 'vitest';
import { blurMaskGiven, blurred, maskOf } from '../../fixtures/inpaint/inpaint';
import { startPicture } from '../../fixtures/start/start';
import { fitMask, fitPicture } from './fitPicture';
import { blurMask } from './maskBlur';
import { boxAround, maskBounds } from './maskBox';
import { laidOver, opaque, pasted } from './overlay';
import type { RgbPixels } from './resample';

describe('a blurred mask', () => {
  // Whose taps are rounded to 8 bits: of 81 that shows.
  test.each(blurred)('is OpenCV’s to two levels, σ $sigma', ({ sigma, gray }) => {
    const made = blurMask(blurMaskGiven(), sigma).gray;
    expect(Math.max(...made.map((level, at) => Math.abs(level - gray[at]!)))).toBeLessThanOrEqual(sigma < 16 ? 1 : 2);
    expect(made).not.toEqual(blurMaskGiven().gray);
  });

  test('is itself at σ 0, and where it is one pixel or all the same', () => {
    const mask = blurMaskGiven();
    expect(blurMask(mask, 0)).toBe(mask);
    for (const [width, height] of [
      [1, 1],
      [3, 1],
      [1, 5],
    ] as const) {
      const full = { width, height, gray: new Uint8Array(width * height).fill(255) };
      expect(blurMask(full, 8)).toEqual(full);
    }
  });
});

describe('the box around a mask', () => {
  // diffusers 0.42.1: VaeImageProcessor.get_crop_region.
  test.each([
    [[512, 512], [100, 100, 200, 150], [512, 512], 0, [100, 75, 200, 175]],
    [[512, 512], [100, 100, 200, 150], [512, 512], 32, [68, 43, 232, 207]],
    [[768, 512], [700, 0, 768, 40], [512, 512], 32, [668, 0, 768, 100]],
    [[640, 480], [300, 200, 340, 460], [512, 768], 16, [223, 184, 417, 476]],
    [[1, 1], [0, 0, 1, 1], [512, 256], 32, [0, 0, 1, 1]],
    [[100, 10], [0, 0, 100, 10], [512, 512], 0, [0, 0, 100, 10]],
  ] as const)('of %s with the mask at %s for %s, padding %i', ([width, height], mask, [wide, high], padding, box) => {
    const [left, top, right, bottom] = mask;
    const gray = Uint8Array.from({ length: width * height }, (_, at) => {
      const [x, y] = [at % width, Math.floor(at / width)];
      return Number(x >= left && x < right && y >= top && y < bottom);
    });
    const bounds = maskBounds({ width, height, gray });
    expect(bounds).toEqual({ left, top, right, bottom });
    const made = boxAround(bounds!, { width, height }, { width: wide, height: high }, padding);
    expect([made.left, made.top, made.right, made.bottom]).toEqual(box);
  });

  test('is none of an empty one', () => {
    expect(maskBounds({ width: 2, height: 2, gray: new Uint8Array(4) })).toBeNull();
  });
});

test('a mask comes to a size as a picture with its levels as colours does', () => {
  const { width, height, gray } = maskOf('soft');
  const rgb = Uint8Array.from({ length: 3 * gray.length }, (_, at) => gray[Math.floor(at / 3)]!);
  for (const fit of ['crop', 'fit', 'stretch'] as const) {
    const picture = fitPicture({ width, height, rgb }, 40, 56, fit);
    const red = picture.rgb.filter((_, at) => at % 3 === 0);
    expect(fitMask({ width, height, gray }, 40, 56, fit)).toEqual({ width: 40, height: 56, gray: red });
  }
});

test('the picture is laid over what was made as much as the mask is not there', () => {
  const own = startPicture();
  const made: RgbPixels = { ...own, rgb: own.rgb.map((level) => 255 - level) };
  const mask = maskOf('soft');
  const { rgb } = laidOver(made, own, mask);
  for (const [at, level] of rgb.entries()) {
    const m = mask.gray[Math.floor(at / 3)]!;
    if (m === 0) expect(level).toBe(own.rgb[at]);
    else if (m === 255) expect(level).toBe(made.rgb[at]);
    else expect(Math.abs(level - (made.rgb[at]! * m + own.rgb[at]! * (255 - m)) / 255)).toBeLessThanOrEqual(0.5);
  }
  const box = { left: 3, top: 2, right: 5, bottom: 3 };
  const both = pasted(own, { width: 2, height: 1, rgb: new Uint8Array(6).fill(9) }, box);
  const changed = [...both.rgb.keys()].filter((at) => both.rgb[at] !== own.rgb[at]);
  expect(
    changed.every((at) => Math.floor(at / 3 / own.width) === 2 && [3, 4].includes(Math.floor(at / 3) % own.width)),
  );
  expect([...both.rgb.subarray(3 * (2 * own.width + 3)).subarray(0, 6)]).toEqual([9, 9, 9, 9, 9, 9]);
  expect([...opaque(both).rgba.subarray(0, 8)]).toEqual([
    ...own.rgb.subarray(0, 3),
    255,
    ...own.rgb.subarray(3, 6),
    255,
  ]);
});
