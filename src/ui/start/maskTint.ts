// How a mask looks on its picture: stripes of two colours that let the picture through, and an edge, light within and
// dark without. On a picture of any colour one of the two can be told from it.

import type { Size } from '../../protocol/pictureData';

export interface MaskBytes extends Size {
  /** A byte a pixel, 128 and more is masked. */
  readonly gray: Uint8Array;
}

export interface Part {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** RGBA as a little-endian word. */
const word = (red: number, green: number, blue: number, alpha: number) =>
  ((Math.round(alpha * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const STRIPES = [word(255, 98, 30, 0.62), word(255, 255, 255, 0.3)] as const;
const WITHIN = word(255, 255, 255, 0.95);
const WITHOUT = word(20, 12, 8, 0.85);

/**
 * Draws a part of the mask in the canvas's own size, nearest pixels.
 * @param part of the mask; all of it where not given
 * @param stripe width of one, in pixels of the canvas
 */
export function drawMask(canvas: HTMLCanvasElement, mask: MaskBytes, stripe: number, part?: Part): void {
  const context = canvas.getContext('2d');
  const { width, height } = canvas;
  const [across, down] = [width / mask.width, height / mask.height];
  const { left, top, right, bottom } = part ?? { left: 0, top: 0, right: mask.width, bottom: mask.height };
  // An edge reaches a pixel beyond.
  const [x0, x1] = [Math.max(0, Math.floor(left * across) - 2), Math.min(width, Math.ceil(right * across) + 2)];
  const [y0, y1] = [Math.max(0, Math.floor(top * down) - 2), Math.min(height, Math.ceil(bottom * down) + 2)];
  if (!context || x0 >= x1 || y0 >= y1) return;
  const image = context.createImageData(x1 - x0, y1 - y0);
  const words = new Uint32Array(image.data.buffer);
  const column = nearest(x0 - 1, x1 + 1, width, mask.width);
  const row = nearest(y0 - 1, y1 + 1, height, mask.height);
  const isMasked = (x: number, y: number) => mask.gray[row[y]! * mask.width + column[x]!]! > 127;
  for (let y = 1; y < row.length - 1; y += 1)
    for (let x = 1; x < column.length - 1; x += 1) {
      const own = isMasked(x, y);
      const isEdge =
        isMasked(x - 1, y) !== own ||
        isMasked(x + 1, y) !== own ||
        isMasked(x, y - 1) !== own ||
        isMasked(x, y + 1) !== own;
      const at = (y - 1) * (x1 - x0) + x - 1;
      if (isEdge) words[at] = own ? WITHIN : WITHOUT;
      else if (own) words[at] = STRIPES[Math.floor((x0 + x + y0 + y) / stripe) % 2]!;
    }
  context.putImageData(image, x0, y0);
}

/** Which pixel of the mask each of the canvas's shows; beyond an edge the one at the edge. */
function nearest(from: number, to: number, size: number, of: number): Int32Array {
  return Int32Array.from({ length: to - from }, (_, index) => {
    const at = Math.min(size - 1, Math.max(0, from + index));
    return Math.floor(((at + 0.5) * of) / size);
  });
}
