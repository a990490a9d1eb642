// Products of the kernel against sums in f64, of all shapes that its tiles and blocks leave something over of.

import { expect, test } from 'vitest';
import { weight } from '../../../fixtures/checkpoints/golden';
import { addProduct } from './loraProduct';

test.each([
  ['a convolution’s first layer', { first: 0, count: 9, width: 36, rank: 5 }],
  ['fewer columns than a vector, one rank', { first: 2, count: 3, width: 3, rank: 1 }],
  ['whole tiles', { first: 8, count: 16, width: 64, rank: 128 }],
  ['more rows than are multiplied at once', { first: 1, count: 40_001, width: 9, rank: 2 }],
  ['more ranks than are multiplied at once', { first: 0, count: 5, width: 23_040, rank: 100 }],
])('%s', (_, { first, count, width, rank }) => {
  const [up, down] = [weight('up', [first + count, rank]), weight('down', [rank, width])];
  const base = weight('base', [count, width]);
  const rows = base.slice();
  const changes = new Float32Array(count * width);
  for (const into of [rows, changes]) addProduct(into, first, { up, down, rank, width }, -0.75);
  let [worst, most] = [0, 0];
  for (let at = 0; at < rows.length; at += 1) {
    const [row, column] = [Math.floor(at / width), at % width];
    let change = 0;
    for (let p = 0; p < rank; p += 1) change += -0.75 * up[(first + row) * rank + p]! * down[p * width + column]!;
    most = Math.max(most, Math.abs(change));
    worst = Math.max(worst, Math.abs(changes[at]! - change));
    if (rows[at] !== Math.fround(base[at]! + changes[at]!)) expect.fail(`row ${row}, column ${column}: ${rows[at]}`);
  }
  expect(most).toBeGreaterThan(0);
  expect(worst / most).toBeLessThan(1e-6);
});
