// The guidedStep kernel's twin in plain TypeScript. Same formula; f64 inside, rounded to f32 once at the end.

import type { StepCoefficients } from '../diffusion/types';
import { checkStep, type GuidedStepShape, type Weights } from './guidedStep';

export interface GuidedStepArrays {
  /** [rows, elements]. */
  readonly predictions: Float32Array;
  /** [images, elements], as are the next two. */
  readonly latents: Float32Array;
  readonly previousDenoised: Float32Array | null;
  readonly noise: Float32Array | null;
}

/** Returns the next latents and the denoised estimate, both [images, elements].
 *  @throws RangeError, see `GuidedStep.encode`. */
export function guidedStepOnCpu(
  shape: GuidedStepShape,
  { predictions, latents, previousDenoised, noise }: GuidedStepArrays,
  weights: Weights,
  coefficients: StepCoefficients,
): { latents: Float32Array<ArrayBuffer>; denoised: Float32Array<ArrayBuffer> } {
  const { elements, images } = shape;
  checkStep(shape, weights, coefficients, previousDenoised !== null, noise !== null);
  const { denoised: estimate, next } = coefficients;
  const nextLatents = new Float32Array(images * elements);
  const denoised = new Float32Array(images * elements);
  weights.forEach((own, image) => {
    for (let i = 0; i < elements; i += 1) {
      const at = image * elements + i;
      let prediction = 0;
      own.forEach((weight, row) => {
        if (weight !== 0) prediction += weight * (predictions[row * elements + i] as number);
      });
      const x = latents[at] as number;
      const d = estimate.sample * x + estimate.prediction * prediction;
      let value = next.sample * x + next.denoised * d;
      if (next.previousDenoised !== 0) value += next.previousDenoised * (previousDenoised?.[at] as number);
      if (next.noise !== 0) value += next.noise * (noise?.[at] as number);
      nextLatents[at] = value;
      denoised[at] = d;
    }
  });
  return { latents: nextLatents, denoised };
}
