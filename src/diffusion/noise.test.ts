// The generator against draws of torch.randn, one after the other from one generator.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Mt19937 } from './mt19937';
import { TorchGenerator } from './noise';

interface Draw {
  count: number;
  values: number[];
  /** Absent where `values` is the whole draw. */
  at?: number[];
  sum?: number;
  sumOfSquares?: number;
}
interface Goldens {
  cases: { seed: number; draws: Draw[] }[];
}

const goldens = JSON.parse(
  readFileSync(new URL('../../fixtures/diffusion/noise.json', import.meta.url), 'utf8'),
) as Goldens;

/**
 * PyTorch's vectorised ln, sin and cos differ from the platform's in the last bits: at most 4.8·10⁻⁷ was
 * seen (values reach ±5, where one f32 ulp is 4.8·10⁻⁷).
 */
const TOLERANCE = 1e-6;

const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

it('mt19937 gives the published 10000th word of seed 5489', () => {
  // ISO C++ [rand.predef]: the 10000th invocation of a default-constructed mt19937 gives 4123659995.
  const engine = new Mt19937(5489);
  let word = 0;
  for (let i = 0; i < 10000; i++) word = engine.nextUint32();
  expect(word).toBe(4123659995);
});

describe('TorchGenerator equals torch.randn', () => {
  for (const { seed, draws } of goldens.cases) {
    it(`seed ${seed}, drawing ${draws.map((draw) => draw.count).join(', ')}`, () => {
      const generator = new TorchGenerator(seed);
      for (const draw of draws) {
        const values = generator.randn(draw.count);
        expect(values).toHaveLength(draw.count);
        draw.values.forEach((golden, k) => {
          const value = values[draw.at?.[k] ?? k]!;
          expect(Math.abs(value - golden)).toBeLessThanOrEqual(TOLERANCE);
        });
        if (draw.sum !== undefined && draw.sumOfSquares !== undefined) {
          expect(Math.abs(sum(values) - draw.sum)).toBeLessThanOrEqual(TOLERANCE * draw.count);
          expect(Math.abs(sum([...values].map((v) => v * v)) - draw.sumOfSquares)).toBeLessThanOrEqual(
            TOLERANCE * draw.count,
          );
        }
      }
    });
  }
});
it('refuses a seed that is no whole number', () => {
  for (const seed of [NaN, 1.5, Infinity, 2 ** 53]) {
    expect(() => new TorchGenerator(seed)).toThrow(/seed must be a whole number/);
  }
});
