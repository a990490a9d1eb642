// A picture as a PNG file, encoded by the browser at the picture's own size, and back.

import type { RgbaPixels } from './pixels';

export async function encodePng({ width, height, rgba }: RgbaPixels): Promise<Blob> {
  const { canvas, context } = makeCanvas(width, height);
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}

/** The pixels that were encoded. @throws DOMException where it is no picture */
export async function decodePng(png: Blob): Promise<RgbaPixels> {
  const bitmap = await createImageBitmap(png, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  const { width, height } = bitmap;
  const { context } = makeCanvas(width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, rgba: context.getImageData(0, 0, width, height).data };
}

/** At most `edge` pixels along each side. */
export async function encodeThumbnail(pixels: RgbaPixels, edge: number): Promise<Blob> {
  const { width, height, rgba } = pixels;
  const scale = edge / Math.max(width, height);
  if (scale >= 1) return encodePng(pixels);
  const bitmap = await createImageBitmap(new ImageData(rgba, width, height));
  const { canvas, context } = makeCanvas(
    Math.max(1, Math.round(width * scale)),
    Math.max(1, Math.round(height * scale)),
  );
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  // A browser without WebP gives a PNG.
  return canvas.convertToBlob({ type: 'image/webp', quality: 0.85 });
}

function makeCanvas(width: number, height: number) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser gives no canvas to encode the picture with.');
  return { canvas, context };
}

/** `pagoda-red-apple-7`: readable, and safe on every file system. */
export function pictureName(prompt: string, seed: number): string {
  const slug = prompt
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 48);
  return `pagoda-${slug || 'image'}-${seed}`;
}
