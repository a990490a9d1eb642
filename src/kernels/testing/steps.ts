// Inputs of the guided step for its tests: pseudo-random rows, and a step that uses every factor.

import type { StepCoefficients } from '../../diffusion/types';
import type { GuidedStepShape } from '../guidedStep';
import type { GuidedStepArrays } from '../guidedStep.cpu';
import { pseudoRandom } from './buffers';

export const EVERY_FACTOR: StepCoefficients = {
  step: 0,
  timestep: 500,
  inputScale: 1,
  sigma: 1,
  denoised: { sample: 0.8, prediction: -0.6 },
  clip: 1.5,
  next: { sample: 0.3, prediction: 0.2, denoised: 0.9, noise: 0.4, history: [-0.25, 0.5, 0.125, -0.75] },
  keep: { sample: 0.6, prediction: -0.7, denoised: 0.45, noise: 0.35 },
};

/** Nothing but guidance: D and x′ are the combined prediction. */
export const COMBINE_ONLY: StepCoefficients = {
  step: 0,
  timestep: 500,
  inputScale: 1,
  sigma: 1,
  denoised: { sample: 0, prediction: 1 },
  next: { denoised: 1, history: [0] },
};

export function stepArrays(shape: GuidedStepShape): GuidedStepArrays & { noise: Float32Array } {
  const images = shape.images * shape.elements;
  return {
    predictions: pseudoRandom(shape.rows * shape.elements, 1, 2),
    latents: pseudoRandom(images, 2, 4),
    history: pseudoRandom(shape.depth * images, 3, 2),
    noise: pseudoRandom(images, 4, 3),
  };
}
