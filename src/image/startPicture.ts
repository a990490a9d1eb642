// A visitor's picture as the bytes that a run starts from: upright as its EXIF says, eight bits a colour, its colours
// as they are stored, what is transparent laid on white, of an animation the first frame.

import type { RgbPixels } from './resample';

/** Pixels: what a page can hold several times over. */
export const MOST_PIXELS = 50_000_000;

/** @throws DOMException where the browser cannot read it; RangeError where it has too many pixels */
export async function startPicture(file: Blob): Promise<RgbPixels> {
  const bitmap = await createImageBitmap(file, {
    imageOrientation: 'from-image',
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });
  try {
    const { width, height } = bitmap;
    if (width * height > MOST_PIXELS) throw new RangeError(`${width} × ${height}`);
    const context = new OffscreenCanvas(width, height).getContext('2d');
    if (!context) throw new Error('This browser gives no canvas to read the picture with.');
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    return { width, height, rgb: withoutAlpha(context.getImageData(0, 0, width, height).data) };
  } finally {
    bitmap.close();
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
