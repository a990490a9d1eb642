// Where the pictures of a pair stand and how large: side by side, or a wide pair one above the other where it is larger
// so. Small pixel images have whole multiples of their pixels.

import type { Size } from '../../protocol/pictureData';

export interface PairLayout {
  /** Of each picture, in CSS pixels. */
  readonly width: number;
  readonly height: number;
  readonly stacked: boolean;
}

/** Between two pictures, and the caption under one, in CSS pixels. */
const GAP = 16;
const CAPTION = 26;
/** Longest edge of what is shown in whole pixels; what is larger looks better smooth. */
export const SMALL = 96;
/** Whose width is less than so many heights stands beside its pair: the eye compares sideways best. */
const WIDE = 1.2;
/** CSS pixels of the longest edge at least. */
const LEAST = 96;

/**
 * @param room that the pictures may have together, without the captions under the last.
 * @param count how many stand there.
 */
export function pairLayout(room: Size, { width, height }: Size, count: 1 | 2): PairLayout {
  const scaleIn = (across: number, down: number) =>
    Math.min(
      (room.width - GAP * (across - 1)) / across / width,
      (room.height - (GAP + CAPTION) * (down - 1)) / down / height,
    );
  const [beside, above] = [scaleIn(count, 1), scaleIn(1, count)];
  const stacked = width >= WIDE * height && above > beside;
  const longest = Math.max(width, height);
  const scale = Math.max(LEAST / longest, stacked ? above : beside);
  const whole = longest <= SMALL && scale >= 1 ? Math.floor(scale) : scale;
  return { width: Math.floor(width * whole), height: Math.floor(height * whole), stacked };
}
