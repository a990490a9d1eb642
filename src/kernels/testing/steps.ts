// Inputs of the guided step for its tests: pseudo-random rows, and a step that uses every factor.

import type { StepCoefficients } from '../../diffusion/types';
import type { GuidedStepShape } from '../guidedStep';
import type { GuidedStepArrays } from '../guidedStep.cpu';
import { pseudoRandom } from './buffers';

export const EVERY_FACTOR: StepCoefficients = {
  timestep: 500,
  inputScale: 1,
  sigma: 1,
  denoised: { sample: 0.8, prediction: -0.6 },
  next: { sample: 0.3, denoised: 0.9, previousDenoised: -0.25, noise: 0.4 },
};

/** Nothing but guidance: D and x′ are the combined prediction. */
export const COMBINE_ONLY: StepCoefficients = {
  timestep: 500,
  inputScale: 1,
  sigma: 1,
  denoised: { sample: 0, prediction: 1 },
  next: { sample: 0, denoised: 1, previousDenoised: 0, noise: 0 },
};

export function stepArrays(shape: GuidedStepShape): GuidedStepArrays & { previousDenoised: Float32Array; noise: Float32Array } {
  const images = shape.images * shape.elements;
  return {
    predictions: pseudoRandom(shape.rows * shape.elements, 1, 2),
    latents: pseudoRandom(images, 2, 4),
    previousDenoised: pseudoRandom(images, 3, 2),
    noise: pseudoRandom(images, 4, 3),
  };
}
