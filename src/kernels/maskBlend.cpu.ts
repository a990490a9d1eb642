// The maskBlend kernel's twin in plain TypeScript.

import type { KnownFactors } from '../diffusion/types';
import type { MaskBlendShape } from './maskBlend';

export interface MaskBlendArrays {
  readonly latents: Float32Array;
  readonly start: Float32Array;
  readonly startNoise: Float32Array;
  readonly mask: Float32Array;
}

export function maskBlendOnCpu(
  { images, elements, plane }: MaskBlendShape,
  { latents, start, startNoise, mask }: MaskBlendArrays,
  factors: KnownFactors,
): Float32Array<ArrayBuffer> {
  const [sample, noise] = [Math.fround(factors.sample), Math.fround(factors.noise)];
  const out = new Float32Array(images * elements);
  for (let at = 0; at < out.length; at += 1) {
    const m = mask[(at % elements) % plane]!;
    const own = m === 0 ? 0 : m * latents[at]!;
    out[at] = m === 1 ? own : own + (1 - m) * (sample * start[at]! + noise * startNoise[at]!);
  }
  return out;
}
