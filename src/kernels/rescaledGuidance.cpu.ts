// The rescaledGuidance kernel's twin in plain TypeScript. Same formulas; f64 inside, rounded to f32 at the end.

import type { CombinedImage, NonlinearGuidance } from '../diffusion/guidance';
import type { StepCoefficients } from '../diffusion/types';
import { checkRows, type RescaledGuidanceShape } from './rescaledGuidance';

/** 3×3 Gaussian of σ = 1, normalised: its factors along one axis. */
const BLUR = [Math.exp(-0.5), 1, Math.exp(-0.5)].map((weight) => weight / (1 + 2 * Math.exp(-0.5)));

/** Combined predictions [images, channels, height, width]. @throws RangeError, see `RescaledGuidance.encode`. */
export function rescaledGuidanceOnCpu(
  shape: RescaledGuidanceShape,
  { predictions, latents }: { readonly predictions: Float32Array; readonly latents: Float32Array },
  images: readonly CombinedImage[],
  { rescale, guidanceRescale }: NonlinearGuidance,
  denoised: StepCoefficients['denoised'],
): Float32Array<ArrayBuffer> {
  checkRows(images, shape.rows);
  const elements = shape.channels * shape.height * shape.width;
  const out = new Float32Array(images.length * elements);
  images.forEach(({ uncond, cond, perturbed, guidanceScale, pagScale }, image) => {
    const row = (index: number) => Float64Array.from(predictions.subarray(index * elements, (index + 1) * elements));
    const conditional = row(cond);
    const base = uncond === null ? conditional : row(uncond);
    const cfg = base.map((value, i) => (uncond === null ? 0 : guidanceScale * (conditional[i]! - value)));
    const other = perturbed === null ? conditional : row(perturbed);
    const pag = conditional.map((value, i) => pagScale * (value - other[i]!));

    let factor = 1;
    if (perturbed !== null && (rescale.mode === 'full' || rescale.mode === 'partial')) {
      const estimate = (of: (i: number) => number) =>
        conditional.map((_, i) => denoised.sample * latents[image * elements + i]! + denoised.prediction * of(i));
      const steered = estimate((i) => (rescale.mode === 'full' ? base[i]! + cfg[i]! : conditional[i]!) + pag[i]!);
      factor = rescale.amount * (deviation(estimate((i) => conditional[i]!)) / deviation(steered)) + 1 - rescale.amount;
    }
    const takesCfg =
      rescale.mode === 'snf' && perturbed !== null && uncond !== null
        ? moreSalient(
            shape,
            cfg.map((value) => Math.abs(denoised.prediction * value)),
            pag.map((value) => Math.abs(denoised.prediction * value)),
          )
        : null;
    let combined = base.map((value, i) => {
      const [ofCfg, ofPag] = [cfg[i]!, pag[i]!];
      if (takesCfg) return value + (takesCfg[i] ? ofCfg : ofPag);
      return value + ofCfg + factor * ofPag;
    });
    if (uncond !== null && guidanceRescale > 0) {
      const scale = guidanceRescale * (deviation(conditional) / deviation(combined)) + 1 - guidanceRescale;
      combined = combined.map((value) => value * scale);
    }
    out.set(combined, image * elements);
  });
  return out;
}

/** Unbiased. */
function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1));
}

/** Where the softmax of blurred `a` is at least that of blurred `b`, each over its channel. */
function moreSalient({ channels, height, width }: RescaledGuidanceShape, a: Float64Array, b: Float64Array): boolean[] {
  const area = height * width;
  return Array.from({ length: channels }, (_, channel) => {
    const [first, second] = [a, b].map((values) =>
      logSoftmax(blur(values.subarray(channel * area, (channel + 1) * area), height, width)),
    );
    return Array.from(first as Float64Array, (value, i) => value >= (second as Float64Array)[i]!);
  }).flat();
}

function logSoftmax(values: Float64Array): Float64Array {
  const highest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const norm = highest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - highest), 0));
  return values.map((value) => value - norm);
}

function blur(values: Float64Array, height: number, width: number): Float64Array {
  const reflected = (at: number, size: number) =>
    at < 0 ? Math.min(1, size - 1) : at >= size ? Math.max(size - 2, 0) : at;
  return values.map((_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    let sum = 0;
    BLUR.forEach((down, dy) =>
      BLUR.forEach((across, dx) => {
        sum += down * across * values[reflected(y + dy - 1, height) * width + reflected(x + dx - 1, width)]!;
      }),
    );
    return sum;
  });
}
