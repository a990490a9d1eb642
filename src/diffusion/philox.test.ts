// Philox and the noise made of it, against published numbers.

import { describe, expect, it, test } from 'vitest';
import { noiseFrom } from './noise';
import { PhiloxGenerator, philox4x32 } from './philox';

// Random123, tests/kat_vectors (github.com/DEShawResearch/random123): the lines "philox4x32 10", counter, key, result.
test.each([
  ['0 0 0 0', '0 0', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
  ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
  ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
])('philox4x32-10 of %s with %s', (counter, key, result) => {
  const words = (hex: string) => hex.split(' ').map((word) => parseInt(word, 16));
  const [c0, c1, c2, c3] = words(counter) as [number, number, number, number];
  expect(philox4x32([c0, c1, c2, c3], words(key) as [number, number])).toEqual(words(result));
});

describe('torch.randn on CUDA', () => {
  // A1111, modules/rng_philox.py: torch.randn((3, 4)) of seed 0 on a GPU.
  const SEED_0 = [
    -0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564, -0.62285122, -0.32838709, -1.07454231,
    -0.36314407, -1.67105067, 2.26550497,
  ];

  // Made in f64 there, in f32 on a GPU and here.
  it('gives the documented numbers of seed 0', () => {
    const noise = noiseFrom('gpu', 0).randn(12);
    for (const [at, value] of SEED_0.entries()) expect(Math.abs(noise[at]! - value)).toBeLessThan(1e-6);
  });

  it('gives the same whatever comes behind: value i is of its own thread', () => {
    const [few, many] = [new PhiloxGenerator(7).randn(5), new PhiloxGenerator(7).randn(4 * 64 * 64)];
    expect([...many.slice(0, 5)]).toEqual([...few]);
  });

  it('advances by a draw, whatever its length, and takes all bits of a seed', () => {
    const [one, other] = [new PhiloxGenerator(7), new PhiloxGenerator(7)];
    one.randn(3);
    other.randn(300);
    const second = one.randn(8);
    expect([...second]).toEqual([...other.randn(8)]);
    expect([...second]).not.toEqual([...new PhiloxGenerator(7).randn(8)]);
    expect([...new PhiloxGenerator(7 + 2 ** 32).randn(8)]).not.toEqual([...new PhiloxGenerator(7).randn(8)]);
  });

  it('is a standard normal distribution', () => {
    const noise = new PhiloxGenerator(1234567890123).randn(2 ** 16);
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    const variance = noise.reduce((sum, value) => sum + value * value, 0) / noise.length;
    // Standard errors are 0.004 and 0.0055.
    expect(Math.abs(mean)).toBeLessThan(0.016);
    expect(Math.abs(variance - 1)).toBeLessThan(0.022);
  });
});

it('refuses a seed that is no whole number', () => {
  for (const seed of [NaN, 1.5, -1, 2 ** 53]) expect(() => new PhiloxGenerator(seed)).toThrow(/whole number/);
});
