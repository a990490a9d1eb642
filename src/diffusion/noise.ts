// Seeded standard normal noise, the stream of PyTorch's CPU generator, so that a seed means the same image
// here as in diffusers and ComfyUI: torch.randn(count, generator=torch.Generator().manual_seed(seed)), f32.
//
// Both of PyTorch's paths are Box–Muller, √(−2 ln u₁)·(cos, sin)(2π u₂), but they draw differently:
//   under 16 values  f64, 53-bit uniforms, pairs; the unused sine is kept for the next draw of this kind
//   16 and more      f32, 24-bit uniforms, blocks of 16: 8 × u₁, then 8 × u₂ → 8 cosines, then 8 sines
// The integers are exact. ln, cos and sin are the platform's: the values of the first path come out equal,
// those of the second within 5·10⁻⁷ of PyTorch's vectorised ones.

import { Mt19937 } from './mt19937';
import type { NoiseSource } from './options';
import { PhiloxGenerator } from './philox';

/** A stream of standard normal numbers that a seed begins. */
export interface NoiseGenerator {
  /** The next `count`, as the next torch.randn(count) would give them. */
  randn(count: number): Float32Array<ArrayBuffer>;
}

/** Throws where the seed is no whole number. */
export function noiseFrom(source: NoiseSource, seed: number): NoiseGenerator {
  return source === 'gpu' ? new PhiloxGenerator(seed) : new TorchGenerator(seed);
}

const BLOCK = 16;
const HALF = BLOCK / 2;
const TWO_PI_F32 = Math.fround(2 * Math.PI);

export class TorchGenerator implements NoiseGenerator {
  private readonly engine: Mt19937;
  /** The second value of a pair of the scalar path, until it is asked for. */
  private spare: number | null = null;

  /** @param seed a safe integer; its low 32 bits count, as in PyTorch. Throws for anything else. */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) throw new Error(`The seed must be a whole number, not ${seed}.`);
    this.engine = new Mt19937(seed);
  }

  /** The next `count` values, as the next torch.randn(count) with this generator would give them. */
  randn(count: number): Float32Array<ArrayBuffer> {
    const values = new Float32Array(count);
    if (count < BLOCK) {
      for (let i = 0; i < count; i++) values[i] = this.nextNormal();
    } else {
      this.fillBlocks(values);
    }
    return values;
  }

  private fillBlocks(values: Float32Array): void {
    for (let i = 0; i < values.length; i++) values[i] = this.uniform24();
    for (let start = 0; start + BLOCK <= values.length; start += BLOCK) normalBlock(values, start);
    if (values.length % BLOCK === 0) return;
    // PyTorch draws the last 16 values anew, overwriting what the last whole block had left there.
    const start = values.length - BLOCK;
    for (let i = start; i < values.length; i++) values[i] = this.uniform24();
    normalBlock(values, start);
  }

  private nextNormal(): number {
    if (this.spare !== null) {
      const value = this.spare;
      this.spare = null;
      return value;
    }
    const angle = 2 * Math.PI * this.uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.uniform53()));
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** In [0, 1), a multiple of 2⁻²⁴: exact in f32. */
  private uniform24(): number {
    return (this.engine.nextUint32() & 0xffffff) / 2 ** 24;
  }

  /** In [0, 1), a multiple of 2⁻⁵³, from two words, the high one first. */
  private uniform53(): number {
    const high = this.engine.nextUint32() & 0x1fffff;
    return (high * 2 ** 32 + this.engine.nextUint32()) / 2 ** 53;
  }
}

/** Turns 16 uniforms at `start` into 16 normals, rounding to f32 where PyTorch does. */
function normalBlock(values: Float32Array, start: number): void {
  for (let i = start; i < start + HALF; i++) {
    const logarithm = Math.fround(Math.log(1 - values[i]!));
    const radius = Math.fround(Math.sqrt(-2 * logarithm));
    const angle = Math.fround(TWO_PI_F32 * values[i + HALF]!);
    values[i] = radius * Math.cos(angle);
    values[i + HALF] = radius * Math.sin(angle);
  }
}
