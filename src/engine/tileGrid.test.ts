// Tiles of maps of all sizes: what they are for is the map, once; what they read is of one size, lies in the map and
// holds their margin.

import { expect, test } from 'vitest';
import { tileGrid } from './tileGrid';

test.each([
  [40, 64, 1, 1, 400],
  [64, 40, 3, 1, 400],
  [37, 53, 2, 1, 300],
  [64, 96, 4, 2, 900],
  [65, 47, 4, 2, 900],
  [9, 300, 1, 1, 500],
  [16, 16, 1, 1, 10_000],
  [24, 24, 1, 1, 1],
])('%d × %d, margin %d, multiples of %d, %d pixels', (height, width, margin, align, most) => {
  const tiles = tileGrid({ height, width }, { margin, align }, most);
  const covered = new Uint8Array(height * width);
  for (const { own, read } of tiles) {
    for (let y = own.top; y < own.bottom; y += 1) {
      for (let x = own.left; x < own.right; x += 1) covered[y * width + x]! += 1;
    }
    expect([read.top % align, read.left % align, own.top % align, own.left % align]).toEqual([0, 0, 0, 0]);
    expect(read.top).toBe(Math.max(0, Math.min(read.top, own.top - margin)));
    expect(read.left).toBe(Math.max(0, Math.min(read.left, own.left - margin)));
    expect(read.bottom).toBe(Math.min(height, Math.max(read.bottom, own.bottom + margin)));
    expect(read.right).toBe(Math.min(width, Math.max(read.right, own.right + margin)));
  }
  expect(covered.every((count) => count === 1)).toBe(true);
  const sizes = new Set(tiles.map(({ read }) => `${read.bottom - read.top} × ${read.right - read.left}`));
  expect(sizes.size).toBe(1);
  const [{ read }] = tiles as [(typeof tiles)[0]];
  const least = (8 + 2 * margin) ** 2;
  expect((read.bottom - read.top) * (read.right - read.left)).toBeLessThanOrEqual(Math.max(most, least));
  expect(tiles.length > 1).toBe(height * width > most);
});
