// A round brush over a mask of one byte a pixel. A stroke is capsules, a circle moved along a line, each of which is
// convex: a row of it is one span, filled at once, and only the pixels at its edge are measured. A pixel is covered as
// far as its centre lies within: clamp(r + ½ − distance). What is painted never goes back, so that overlapping capsules
// are one stroke.

import type { Box, GrayPixels } from './resample';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** @param radius in pixels, ½ at least. @returns null where it lies beside the picture */
export function brushBox({ width, height }: GrayPixels, from: Point, to: Point, radius: number): Box | null {
  const reach = radius + 1;
  const box = {
    left: Math.max(0, Math.floor(Math.min(from.x, to.x) - reach)),
    top: Math.max(0, Math.floor(Math.min(from.y, to.y) - reach)),
    right: Math.min(width, Math.ceil(Math.max(from.x, to.x) + reach)),
    bottom: Math.min(height, Math.ceil(Math.max(from.y, to.y) + reach)),
  };
  return box.left < box.right && box.top < box.bottom ? box : null;
}

/** Paints 255 along the line, or takes it away, within `box`. */
export function paintLine(
  { width, gray }: GrayPixels,
  from: Point,
  to: Point,
  radius: number,
  erases: boolean,
  box: Box,
): void {
  for (let row = box.top; row < box.bottom; row += 1) {
    const outer = spanOf(from, to, radius + 0.5, row + 0.5);
    if (!outer) continue;
    const begin = Math.max(box.left, Math.floor(outer.begin - 0.5));
    const end = Math.min(box.right, Math.ceil(outer.end + 0.5));
    const inner = radius > 0.5 ? spanOf(from, to, radius - 0.5, row + 0.5) : null;
    // Pixels whose centres lie within.
    const [first, last] = inner
      ? [Math.max(begin, Math.ceil(inner.begin - 0.5)), Math.min(end, Math.floor(inner.end - 0.5) + 1)]
      : [end, end];
    const edge = (left: number, right: number) => {
      for (let column = left; column < right; column += 1) {
        const far = distance(from, to, column + 0.5, row + 0.5);
        const level = Math.round(255 * Math.min(1, Math.max(0, radius + 0.5 - far)));
        const at = row * width + column;
        gray[at] = erases ? Math.min(gray[at]!, 255 - level) : Math.max(gray[at]!, level);
      }
    };
    edge(begin, Math.min(first, end));
    if (first < last) gray.fill(erases ? 0 : 255, row * width + first, row * width + last);
    edge(Math.max(first, last), end);
  }
}

/** Where the capsule of this radius meets the line y: the circles' spans, and the band's between them. */
function spanOf(from: Point, to: Point, radius: number, y: number): { begin: number; end: number } | null {
  let [begin, end] = [Infinity, -Infinity];
  const take = (left: number, right: number) => {
    begin = Math.min(begin, left);
    end = Math.max(end, right);
  };
  for (const { x, y: own } of [from, to]) {
    const half = radius ** 2 - (y - own) ** 2;
    if (half >= 0) take(x - Math.sqrt(half), x + Math.sqrt(half));
  }
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy);
  if (length > 0) {
    // The two long sides, each cut by y: from + t·d ± r·normal, 0 ≤ t ≤ 1.
    for (const side of [-radius, radius]) {
      const [x0, y0] = [from.x - (side * dy) / length, from.y + (side * dx) / length];
      if (dy === 0) {
        if (Math.abs(y - from.y) <= radius) take(Math.min(x0, x0 + dx), Math.max(x0, x0 + dx));
        continue;
      }
      const t = (y - y0) / dy;
      if (t >= 0 && t <= 1) take(x0 + t * dx, x0 + t * dx);
    }
  }
  return begin <= end ? { begin, end } : null;
}

function distance(from: Point, to: Point, x: number, y: number): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const square = dx * dx + dy * dy;
  const t = square === 0 ? 0 : Math.min(1, Math.max(0, ((x - from.x) * dx + (y - from.y) * dy) / square));
  return Math.hypot(x - from.x - t * dx, y - from.y - t * dy);
}
