// A picture in the size of another, in the three ways of diffusers' VaeImageProcessor, to the pixel: stretched
// (`default`), filling it and cut at two sides (`crop`), or whole in it, with its own edges drawn out over what is left
// (`fill`). A mask comes to a size in the same way as the picture that it lies on.

import {
  BICUBIC,
  LANCZOS,
  boxOf,
  resample,
  type Box,
  type GrayPixels,
  type Interleaved,
  type RgbPixels,
} from './resample';

export type PictureFit = 'crop' | 'fit' | 'stretch';

export function fitPicture({ rgb, ...size }: RgbPixels, width: number, height: number, fit: PictureFit): RgbPixels {
  return { width, height, rgb: fitted({ ...size, channels: 3, bytes: rgb }, width, height, fit).bytes };
}

export function fitMask({ gray, ...size }: GrayPixels, width: number, height: number, fit: PictureFit): GrayPixels {
  return { width, height, gray: fitted({ ...size, channels: 1, bytes: gray }, width, height, fit).bytes };
}

/** A part of a picture. */
export function cropPicture({ rgb, width }: RgbPixels, box: Box): RgbPixels {
  return { ...sizeOf(box), rgb: cropped(rgb, 3, width, box) };
}

export function cropMask({ gray, width }: GrayPixels, box: Box): GrayPixels {
  return { ...sizeOf(box), gray: cropped(gray, 1, width, box) };
}

export function sizeOf({ left, top, right, bottom }: Box): { readonly width: number; readonly height: number } {
  return { width: right - left, height: bottom - top };
}

function cropped(bytes: Uint8Array, channels: number, width: number, box: Box): Uint8Array<ArrayBuffer> {
  const size = sizeOf(box);
  const stride = channels * size.width;
  const made = new Uint8Array(stride * size.height);
  for (let row = 0; row < size.height; row += 1) {
    const from = channels * ((box.top + row) * width + box.left);
    made.set(bytes.subarray(from, from + stride), row * stride);
  }
  return made;
}

function fitted(picture: Interleaved, width: number, height: number, fit: PictureFit): Interleaved {
  if (fit === 'stretch') return resample(picture, width, height, LANCZOS);
  const { channels } = picture;
  const [ratio, own] = [width / height, picture.width / picture.height];
  const isWider = fit === 'crop' ? ratio > own : ratio < own;
  const across = isWider ? width : atLeastOne((picture.width * height) / picture.height);
  const down = isWider ? atLeastOne((picture.height * width) / picture.width) : height;
  const whole = resample(picture, across, down, LANCZOS);
  const made = { width, height, channels, bytes: new Uint8Array(channels * width * height) };
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
function paste(from: Interleaved, into: Interleaved, left: number, top: number): void {
  const { channels } = from;
  const [first, last] = [Math.max(0, left), Math.min(into.width, left + from.width)];
  for (let row = Math.max(0, top); row < Math.min(into.height, top + from.height); row += 1) {
    const begin = channels * ((row - top) * from.width + first - left);
    into.bytes.set(
      from.bytes.subarray(begin, begin + channels * (last - first)),
      channels * (row * into.width + first),
    );
  }
}

/** A picture that is far wider than high has a row still. */
function atLeastOne(size: number): number {
  return Math.max(1, Math.floor(size));
}

function half(size: number): number {
  return Math.floor(size / 2);
}
