// A pair as one picture, to be posted: side by side (a wide pair one above the other) on white, each with its caption,
// and a line of words below. Small pixel pictures are enlarged by whole numbers, so that their pixels stay squares;
// large ones are made smaller where no browser's canvas would hold them.

import { canvasPng, fittingScale, whiteCanvas } from './drawing';
import type { RgbaPixels } from './pixels';

export interface CaptionedPixels {
  readonly pixels: RgbaPixels;
  readonly caption: string;
}

/** Pixels: a picture up to SMALL is enlarged to about LARGE. */
const SMALL = 256;
const LARGE = 512;
const INK = '#1c1b19';
const QUIET = '#5f5b54';

export interface DrawnPair {
  readonly png: Blob;
  /** Of each picture in it. */
  readonly size: { readonly width: number; readonly height: number };
}

/** @throws NotDrawn */
export async function pairPicture(pictures: readonly CaptionedPixels[], words: string): Promise<DrawnPair> {
  const { width, height } = pictures[0]!.pixels;
  const longest = Math.max(width, height);
  const first = longest <= SMALL ? Math.max(1, Math.round(LARGE / longest)) : 1;
  const sizeAt = (scale: number) => ({
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  });
  const size = sizeAt(fittingScale(first, (scale) => layoutOf(pictures.length, sizeAt(scale)).canvas));
  const canvas = await drawPair(pictures, words, { ...size, smooth: size.width < width });
  return { png: await canvasPng(canvas), size };
}

export interface DrawnSize {
  /** Of each picture, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly smooth: boolean;
}

export async function drawPair(
  pictures: readonly CaptionedPixels[],
  words: string,
  { width: wide, height: high, smooth }: DrawnSize,
): Promise<OffscreenCanvas> {
  const { text, gap, line, stacked, canvas: edges } = layoutOf(pictures.length, { width: wide, height: high });
  const { canvas, context } = whiteCanvas(edges.width, edges.height);
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = 'high';
  context.textBaseline = 'middle';
  context.textAlign = 'center';
  const font = (weight: number) => `${weight} ${text}px system-ui, sans-serif`;
  for (const [at, { pixels, caption }] of pictures.entries()) {
    const left = gap + (stacked ? 0 : at * (wide + gap));
    const top = gap + (stacked ? at * (high + line + gap) : 0);
    const bitmap = await createImageBitmap(new ImageData(pixels.rgba, pixels.width, pixels.height));
    context.drawImage(bitmap, left, top, wide, high);
    bitmap.close();
    context.font = font(600);
    context.fillStyle = INK;
    context.fillText(caption, left + wide / 2, top + high + line / 2, wide);
  }
  context.font = font(400);
  context.fillStyle = QUIET;
  const room = canvas.width - 2 * gap;
  const fitted = cut(words, (some) => context.measureText(some).width <= room);
  context.fillText(fitted, canvas.width / 2, canvas.height - (line + gap) / 2);
  return canvas;
}

function layoutOf(pictures: number, { width: wide, height: high }: DrawnPair['size']) {
  const text = Math.round(Math.max(14, Math.min(28, Math.max(wide, high) / 26)));
  const gap = text;
  const line = Math.round(text * 1.8);
  const stacked = wide > 1.2 * high;
  const [columns, rows] = stacked ? [1, pictures] : [pictures, 1];
  const canvas = { width: columns * (wide + gap) + gap, height: rows * (high + line + gap) + line + gap };
  return { text, gap, line, stacked, canvas };
}

/** As many whole words as fit, with an ellipsis where some do not. */
function cut(text: string, fits: (text: string) => boolean): string {
  if (fits(text)) return text;
  const words = text.split(' ');
  while (words.length > 1 && !fits(`${words.join(' ')}…`)) words.pop();
  return `${words.join(' ')}…`;
}
