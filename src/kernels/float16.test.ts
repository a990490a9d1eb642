// The reference here is the definition, (−1)ˢ·2ᵉ⁻¹⁵·(1 + m/1024), in f64. Every f16 number and every gap
// between two of them is tried, so a wrong rounding anywhere fails.

import { describe, expect, it } from 'vitest';
import { float16ToFloat32, float32ToFloat16 } from './float16';

/** f16 bits → f64 by definition. */
function valueOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = (half & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
}

const all = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** The next f32 away from (`by` = 1) or towards (−1) zero. */
function neighbour(value: number, by: 1 | -1): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0]! += by;
  return new Float32Array(bits.buffer)[0]!;
}

describe('float16', () => {
  it('widens all 65536 patterns to the value they stand for', () => {
    const wide = float16ToFloat32(all);
    const wrong = [...all].filter((half) => !Object.is(wide[half], valueOf(half)));
    expect(wrong).toEqual([]);
  });

  it('gives every pattern back after a round trip, NaN payloads too', () => {
    expect(float32ToFloat16(float16ToFloat32(all))).toEqual(all);
  });

  it('rounds halfway cases to even, and either side of them to the nearer number', () => {
    const wrong: string[] = [];
    for (const sign of [0, 0x8000]) {
      for (let low = 0; low < 0x7c00; low += 1) {
        const below = valueOf(sign | low);
        const above = low === 0x7bff ? (sign ? -65536 : 65536) : valueOf(sign | (low + 1));
        const middle = (below + above) / 2;
        const samples = Float32Array.of(neighbour(middle, -1), middle, neighbour(middle, 1));
        const even = low % 2 === 0 ? low : low + 1;
        const expected = [sign | low, sign | even, sign | (low + 1)];
        const got = [...float32ToFloat16(samples)];
        if (String(got) !== String(expected)) wrong.push(`${low}: ${String(got)} instead of ${String(expected)}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('sends what is too large to infinity, what is too small to a zero of its sign', () => {
    const values = Float32Array.of(65520, -1e30, Infinity, -Infinity, 1e-30, -1e-45, -0, 65519.99);
    expect([...float32ToFloat16(values)]).toEqual([0x7c00, 0xfc00, 0x7c00, 0xfc00, 0, 0x8000, 0x8000, 0x7bff]);
  });

  it('keeps a NaN whose payload lies below the kept bits a NaN', () => {
    const nan = new Float32Array(Uint32Array.of(0x7f800001, 0xffc00000).buffer);
    expect([...float16ToFloat32(float32ToFloat16(nan))]).toEqual([NaN, NaN]);
  });
});
