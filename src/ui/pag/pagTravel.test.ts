import { expect, test } from 'vitest';
import { bandOf, fromTravel, toTravel } from './pagTravel';

test('positions and scales invert each other, and 0–10 has most of the track', () => {
  for (let tenth = 0; tenth <= 100; tenth += 1) expect(fromTravel(toTravel(tenth / 10))).toBeCloseTo(tenth / 10, 10);
  for (let scale = 10; scale <= 100; scale += 1) expect(fromTravel(toTravel(scale))).toBe(scale);
  expect(toTravel(10)).toBeGreaterThan(0.7);
  expect([fromTravel(-1), fromTravel(2)]).toEqual([0, 100]);
});

test('bands have the names that the slider shows', () => {
  expect([0, 0.5, 1.9, 2, 4.9, 5, 100].map(bandOf)).toEqual([
    'off',
    'subtle',
    'subtle',
    'balanced',
    'balanced',
    'strong',
    'strong',
  ]);
});
