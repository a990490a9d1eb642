// Pictures in other sizes against Pillow's, through diffusers' three ways (fixtures/start/make_start.py).

import { expect, test } from 'vitest';
import { fittedOf, resized, startPicture } from '../../fixtures/start/start';
import { fitPicture } from './fitPicture';

test.each(resized)('$mode to $width × $height is Pillow’s, level by level', (golden) => {
  const { width, height } = golden;
  const fit = golden.mode === 'default' ? 'stretch' : golden.mode === 'crop' ? 'crop' : 'fit';
  expect(fitPicture(startPicture(), width, height, fit)).toEqual({ width, height, rgb: fittedOf(golden) });
});

test('pictures of one pixel, and of one row, fill any size', () => {
  const dot = { width: 1, height: 1, rgb: Uint8Array.of(9, 99, 199) };
  for (const fit of ['crop', 'fit', 'stretch'] as const)
    expect(fitPicture(dot, 16, 8, fit).rgb).toEqual(
      Uint8Array.from({ length: 3 * 16 * 8 }, (_, at) => dot.rgb[at % 3]!),
    );
  const line = { width: 400, height: 1, rgb: new Uint8Array(1200).fill(7) };
  for (const fit of ['crop', 'fit', 'stretch'] as const)
    expect(new Set(fitPicture(line, 16, 8, fit).rgb)).toEqual(new Set([7]));
});
