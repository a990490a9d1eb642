import { expect, test } from 'vitest';
import type { StepTrace } from '../../protocol/runSteps';
import { mostPush, pushPicture } from './pushPicture';

const [WIDTH, HEIGHT] = [8, 4];
const withPag = { width: WIDTH, height: HEIGHT, rgba: new Uint8ClampedArray(4 * WIDTH * HEIGHT).fill(100) };
const push = { width: 2, height: 2, most: 0.5, values: Uint8Array.from([255, 0, 0, 255]) };
type Traced = Pick<StepTrace, 'push' | 'within'>;
/** Rows of the picture: # where the accent colour is at full strength, . where it is grey. */
const rowsOf = (trace: Traced, most = 0.5) => {
  const { rgba } = pushPicture(withPag, trace, most)!;
  const isAccent = (at: number) => rgba[4 * at] === 255 && rgba[4 * at + 2] === 20;
  return Array.from({ length: HEIGHT }, (_, y) =>
    Array.from({ length: WIDTH }, (__, x) => (isAccent(y * WIDTH + x) ? '#' : '.')).join(''),
  );
};

test('a push lies on all of the picture, or within the part of it that was made', () => {
  expect(rowsOf({ push })).toEqual(['####....', '####....', '....####', '....####']);
  const within = { left: 0.25, top: 0.5, right: 0.75, bottom: 1 };
  expect(rowsOf({ push, within })).toEqual(['........', '........', '..##....', '....##..']);
  expect(pushPicture(withPag, { push: null }, 1)).toBe(null);
  // Full strength is the most of the whole run.
  expect(rowsOf({ push }, mostPush([{ push }, { push: { ...push, most: 2 } }, { push: null }])).join('')).not.toContain(
    '#',
  );
});
