// A picture as a PNG file, encoded by the browser at the picture's own size.

import type { RgbaPixels } from './pixels';

export async function encodePng({ width, height, rgba }: RgbaPixels): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser gives no canvas to encode the picture with.');
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}

/** `pagoda-red-apple-7.png`: readable, and safe on every file system. */
export function pngName(prompt: string, seed: number): string {
  const slug = prompt
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 48);
  return `pagoda-${slug || 'image'}-${seed}.png`;
}
