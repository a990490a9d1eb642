import { expect, test } from 'vitest';
import type { StepTrace } from '../../protocol/runSteps';
import { pushPicture } from './pushPicture';

const [WIDTH, HEIGHT] = [8, 4];
const withPag = { width: WIDTH, height: HEIGHT, rgba: new Uint8ClampedArray(4 * WIDTH * HEIGHT).fill(100) };
const values = Float32Array.from([1, 0, 0, 1]);
const traceOf = (push: StepTrace['push']) => ({ withPag, push }) as StepTrace;
/** Rows of the picture: # where the accent colour is at full strength, . where it is grey. */
const rowsOf = (push: StepTrace['push']) => {
  const { rgba } = pushPicture(traceOf(push), 1)!;
  const isAccent = (at: number) => rgba[4 * at] === 255 && rgba[4 * at + 2] === 20;
  return Array.from({ length: HEIGHT }, (_, y) =>
    Array.from({ length: WIDTH }, (__, x) => (isAccent(y * WIDTH + x) ? '#' : '.')).join(''),
  );
};

test('a push lies on all of the picture, or within the part of it that was made', () => {
  expect(rowsOf({ width: 2, height: 2, values })).toEqual(['####....', '####....', '....####', '....####']);
  const within = { left: 0.25, top: 0.5, right: 0.75, bottom: 1 };
  expect(rowsOf({ width: 2, height: 2, values, within })).toEqual(['........', '........', '..##....', '....##..']);
  expect(pushPicture(traceOf(null), 1)).toBe(null);
});
