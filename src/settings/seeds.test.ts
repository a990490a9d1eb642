import { expect, test } from 'vitest';
import { imageSeed } from './seeds';

test('each image has the next seed, and behind the largest comes 0', () => {
  expect([0, 1, 7].map((image) => imageSeed(7, image))).toEqual([7, 8, 14]);
  const last = Number.MAX_SAFE_INTEGER;
  expect([0, 1, 2].map((image) => imageSeed(last - 1, image))).toEqual([last - 1, last, 0]);
  expect([imageSeed(5, -2), imageSeed(0, -1), imageSeed(1, -3)]).toEqual([3, last, last - 1]);
  // The low 32 bits go on counting.
  expect(BigInt(last) & 0xffffffffn).toBe(0xffffffffn);
});
