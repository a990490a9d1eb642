// How far two pictures of the same size are apart: the mean of |a − b| over pixels and colours, in levels of 255.

import type { RgbaPixels } from './pixels';

/** null where the sizes differ. */
export function meanDifference(a: RgbaPixels, b: RgbaPixels): number | null {
  if (a.width !== b.width || a.height !== b.height) return null;
  let sum = 0;
  for (let at = 0; at < a.rgba.length; at += 4)
    for (let colour = 0; colour < 3; colour += 1) sum += Math.abs(a.rgba[at + colour]! - b.rgba[at + colour]!);
  return sum / (3 * a.width * a.height);
}
