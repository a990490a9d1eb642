// What of a picture is made anew where only its masked part is, as diffusers' `get_crop_region` finds it: the box of
// what the mask has, with some pixels around it, widened about its middle to the shape of what is made, and moved or
// cut where it would stand over the picture's edges.

import type { Box, GrayPixels } from './resample';

/** Where the mask is not 0; null where it is nowhere. */
export function maskBounds({ width, height, gray }: GrayPixels): Box | null {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let row = 0; row < height; row += 1)
    for (let column = 0; column < width; column += 1) {
      if (gray[row * width + column] === 0) continue;
      left = Math.min(left, column);
      right = Math.max(right, column + 1);
      top = Math.min(top, row);
      bottom = row + 1;
    }
  return right === 0 ? null : { left, top, right, bottom };
}

/** @param shape of what is made. */
export function boxAround(
  bounds: Box,
  { width, height }: Pick<GrayPixels, 'width' | 'height'>,
  shape: { readonly width: number; readonly height: number },
  padding: number,
): Box {
  const left = Math.max(0, bounds.left - padding);
  const top = Math.max(0, bounds.top - padding);
  const right = Math.min(width, bounds.right + padding);
  const bottom = Math.min(height, bounds.bottom + padding);
  const [wide, high] = [right - left, bottom - top];
  const ratio = shape.width / shape.height;
  if (wide / high > ratio) {
    const [first, last] = widened(top, bottom, Math.trunc(wide / ratio - high), height);
    return { left, right, top: first, bottom: last };
  }
  const [first, last] = widened(left, right, Math.trunc(high * ratio - wide), width);
  return { left: first, right: last, top, bottom };
}

/** By so many pixels, of which the smaller half goes before it; moved inside 0 … size, and cut where it is too long. */
function widened(first: number, last: number, by: number, size: number): readonly [number, number] {
  let [from, to] = [first - Math.floor(by / 2), last + by - Math.floor(by / 2)];
  const over = Math.max(0, to - size);
  [from, to] = [from - over, to - over];
  const under = Math.max(0, -from);
  return [from + under, Math.min(size, to + under)];
}
