// A picture in the size of another, in the three ways of diffusers' VaeImageProcessor, to the pixel: stretched
// (`default`), filling it and cut at two sides (`crop`), or whole in it, with its own edges drawn out over what is left
// (`fill`).

import { BICUBIC, LANCZOS, boxOf, resample, type RgbPixels } from './resample';

export type PictureFit = 'crop' | 'fit' | 'stretch';

export function fitPicture(picture: RgbPixels, width: number, height: number, fit: PictureFit): RgbPixels {
  if (fit === 'stretch') return resample(picture, width, height, LANCZOS);
  const [ratio, own] = [width / height, picture.width / picture.height];
  const isWider = fit === 'crop' ? ratio > own : ratio < own;
  const across = isWider ? width : atLeastOne((picture.width * height) / picture.height);
  const down = isWider ? atLeastOne((picture.height * width) / picture.width) : height;
  const whole = resample(picture, across, down, LANCZOS);
  const made = { width, height, rgb: new Uint8Array(3 * width * height) };
  const [left, top] = [half(width) - half(whole.width), half(height) - half(whole.height)];
  paste(whole, made, left, top);
  if (fit === 'fit' && top > 0) {
    paste(resample(whole, width, top, BICUBIC, { ...boxOf(whole), bottom: 0 }), made, 0, 0);
    paste(resample(whole, width, top, BICUBIC, { ...boxOf(whole), top: whole.height }), made, 0, top + whole.height);
  }
  if (fit === 'fit' && left > 0) {
    paste(resample(whole, left, height, BICUBIC, { ...boxOf(whole), right: 0 }), made, 0, 0);
    paste(resample(whole, left, height, BICUBIC, { ...boxOf(whole), left: whole.width }), made, left + whole.width, 0);
  }
  return made;
}

/** Where it lies beyond the edges it is left out. */
function paste(from: RgbPixels, into: RgbPixels, left: number, top: number): void {
  const [first, last] = [Math.max(0, left), Math.min(into.width, left + from.width)];
  for (let row = Math.max(0, top); row < Math.min(into.height, top + from.height); row += 1) {
    const begin = 3 * ((row - top) * from.width + first - left);
    into.rgb.set(from.rgb.subarray(begin, begin + 3 * (last - first)), 3 * (row * into.width + first));
  }
}

/** A picture that is far wider than high has a row still. */
function atLeastOne(size: number): number {
  return Math.max(1, Math.floor(size));
}

function half(size: number): number {
  return Math.floor(size / 2);
}
