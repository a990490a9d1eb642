// The guidedStep kernel's twin in plain TypeScript. Same formula; f64 inside, rounded to f32 once at the end.

import type { StepCoefficients, StepFactors } from '../diffusion/types';
import { checkStep, type GuidedStepShape, type RowWeights } from './guidedStep';

export interface GuidedStepArrays {
  /** [rows, elements]. */
  readonly predictions: Float32Array;
  /** [images, elements]. */
  readonly latents: Float32Array;
  /** [depth, images, elements], newest first. */
  readonly history: Float32Array;
  /** [images, elements]. */
  readonly noise: Float32Array | null;
}

/** Returns the next latents and the denoised estimate, both [images, elements], and the next history.
 *  @throws RangeError, see `GuidedStep.encode`. */
export function guidedStepOnCpu(
  shape: GuidedStepShape,
  { predictions, latents, history, noise }: GuidedStepArrays,
  weights: RowWeights,
  coefficients: StepCoefficients,
): Record<'latents' | 'denoised' | 'history', Float32Array<ArrayBuffer>> {
  const { elements, images, depth } = shape;
  checkStep(shape, weights, coefficients, noise !== null);
  const { denoised: estimate, clip = Infinity, next, keep = {} } = coefficients;
  const stride = images * elements;
  const nextLatents = new Float32Array(stride);
  const denoised = new Float32Array(stride);
  const nextHistory = new Float32Array(depth * stride);
  nextHistory.set(history.subarray(0, (depth - 1) * stride), stride);
  weights.forEach((own, image) => {
    for (let i = 0; i < elements; i += 1) {
      const at = image * elements + i;
      let prediction = 0;
      own.forEach((weight, row) => {
        if (weight !== 0) prediction += weight * predictions[row * elements + i]!;
      });
      const x = latents[at]!;
      const d = Math.min(Math.max(estimate.sample * x + estimate.prediction * prediction, -clip), clip);
      const sum = ({ sample = 0, prediction: ofPrediction = 0, denoised: ofD = 0, noise: ofNoise = 0 }: StepFactors) =>
        sample * x + ofPrediction * prediction + ofD * d + (ofNoise === 0 ? 0 : ofNoise * noise![at]!);
      let value = sum(next);
      next.history?.forEach((factor, k) => {
        if (factor !== 0) value += factor * history[k * stride + at]!;
      });
      nextLatents[at] = value;
      denoised[at] = d;
      nextHistory[at] = sum(keep);
    }
  });
  return { latents: nextLatents, denoised, history: nextHistory };
}
