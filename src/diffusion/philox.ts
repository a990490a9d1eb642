// Seeded standard normal noise as PyTorch makes it on NVIDIA's GPUs, which A1111 takes by default (`RNG: GPU`, and `NV`
// where the GPU is another one): torch.randn(count, device='cuda').
//
// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a counter of four words
// into four random ones; the seed is its key. cuRAND gives each thread a subsequence, [offset, 0, thread, 0]. PyTorch
// takes a thread for each value and of its four words only two, the others being those of values that are beyond the
// end; each draw advances the offset. So value i of draw n is √(−2 ln u)·sin(2π v) of philox([n, 0, i, 0]).
//
// That holds while the GPU has a thread for each value: one of few processors gives each thread several where there are
// many values (28 of them reach 43 008; latents of 1024² pixels have 65 536).

import type { NoiseGenerator } from './noise';

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
/** What the key gains from round to round: the golden ratio, √3 − 1. */
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;

export type Words = readonly [number, number, number, number];

/** One block of the generator; all words are unsigned, of 32 bits. */
export function philox4x32([c0, c1, c2, c3]: Words, [k0, k1]: readonly [number, number]): Words {
  for (let round = 0; round < ROUNDS; round += 1) {
    const [low0, low1] = [Math.imul(MULTIPLIERS[0], c0), Math.imul(MULTIPLIERS[1], c2)];
    const [high0, high1] = [highWord(MULTIPLIERS[0], c0), highWord(MULTIPLIERS[1], c2)];
    [c0, c1, c2, c3] = [high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0];
    [k0, k1] = [(k0 + WEYL[0]) | 0, (k1 + WEYL[1]) | 0];
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** The high word of the product of two: by halves, since it has more bits than a number. */
function highWord(a: number, b: number): number {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  return a1 * b1 + Math.floor(middle / 2 ** 16) + Math.floor(((middle % 2 ** 16) + a0 * b1) / 2 ** 16);
}

const INVERSE = 2 ** -32;
const INVERSE_2PI = Math.fround(INVERSE * Math.fround(2 * Math.PI));

export class PhiloxGenerator implements NoiseGenerator {
  private readonly key: readonly [number, number];
  private offset = 0;

  /** @param seed a safe integer of 0 or more; all its bits count. Throws for anything else. */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`The seed must be a whole number, not ${seed}.`);
    this.key = [seed >>> 0, Math.floor(seed / 2 ** 32)];
  }

  randn(count: number): Float32Array<ArrayBuffer> {
    const values = new Float32Array(count);
    for (let at = 0; at < count; at += 1) {
      const [x, y] = philox4x32([this.offset, 0, at, 0], this.key);
      values[at] = normal(x, y);
    }
    this.offset += 1;
    return values;
  }
}

/** cuRAND's Box–Muller, in f32: uniforms in (0, 1], of which none is 0. */
function normal(x: number, y: number): number {
  const { fround } = Math;
  const u = fround(fround(fround(x) * INVERSE) + INVERSE / 2);
  const v = fround(fround(fround(y) * INVERSE_2PI) + fround(INVERSE_2PI / 2));
  const radius = fround(Math.sqrt(fround(-2 * fround(Math.log(u)))));
  return radius * Math.sin(v);
}
