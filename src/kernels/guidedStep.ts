// Guidance and the scheduler's step in one dispatch (StepCoefficients says the formula). Predictions:
// [rows, elements] of elem; history [depth, images, elements], newest K first; everything else [images, elements]; f32.
// Rows of weight 0 are not read, nor history and noise where their factors are 0: what lies there cannot leak, not even
// a NaN.

import { needsNoise } from '../diffusion/stepTable';
import type { StepCoefficients, StepFactors } from '../diffusion/types';
import body from './guidedStep.wgsl?raw';
import type { ElementType, KernelCompiler } from './compiler';
import { encodeDispatch, tensorBytes } from './dispatch';

export interface GuidedStepShape {
  readonly rows: number;
  readonly images: number;
  /** Elements of one image's latents. */
  readonly elements: number;
  /** How many earlier K's are kept: 1 (a binding cannot be empty) to MAX_HISTORY. */
  readonly depth: number;
}

/** Linear multistep of order 4 needs three; PLMS four, since its second record is left out. */
export const MAX_HISTORY = 4;

/** The three outputs are none of the inputs. `noise` may be null where its factors are 0. */
export interface GuidedStepBuffers {
  readonly predictions: GPUBuffer;
  readonly latents: GPUBuffer;
  readonly history: GPUBuffer;
  readonly noise: GPUBuffer | null;
  readonly nextLatents: GPUBuffer;
  readonly denoised: GPUBuffer;
  readonly nextHistory: GPUBuffer;
}

/** weights[image][row]. */
export type RowWeights = readonly (readonly number[])[];

export interface GuidedStep {
  /** Encodes one dispatch.
   *  @throws RangeError for weights of another shape, more history than there is, or noise that is missing though its
   *  factor is not 0. */
  encode(
    encoder: GPUCommandEncoder,
    buffers: GuidedStepBuffers,
    weights: RowWeights,
    coefficients: StepCoefficients,
  ): void;
}

/** @throws EngineError `shader-compile`. */
export async function createGuidedStep(
  compiler: KernelCompiler,
  shape: GuidedStepShape,
  elem: ElementType,
): Promise<GuidedStep> {
  const pipeline = await compiler.pipeline({ name: 'guidedStep', body }, elem);
  const imageBytes = tensorBytes(shape.images * shape.elements, 'f32');
  const historyBytes = shape.depth * imageBytes;
  return {
    encode(encoder, buffers, weights, coefficients) {
      checkStep(shape, weights, coefficients, buffers.noise !== null);
      const params = compiler.parameterBuffer('guidedStep', guidedStepParameters(shape, weights, coefficients));
      const image = (name: string, tensor: GPUBuffer) => ({ name, tensor, bytes: imageBytes });
      encodeDispatch(
        compiler,
        encoder,
        pipeline,
        [
          { name: 'parameters', tensor: params, bytes: params.size },
          { name: 'predictions', tensor: buffers.predictions, bytes: tensorBytes(shape.rows * shape.elements, elem) },
          image('latents', buffers.latents),
          { name: 'history', tensor: buffers.history, bytes: historyBytes },
          image('noise', buffers.noise ?? buffers.latents),
          image('nextLatents', buffers.nextLatents),
          image('denoised', buffers.denoised),
          { name: 'nextHistory', tensor: buffers.nextHistory, bytes: historyBytes },
        ],
        [Math.ceil(shape.elements / 64), shape.images, 1],
      );
    },
  };
}

/** @throws RangeError, see `GuidedStep.encode`. */
export function checkStep(
  { rows, images, depth }: GuidedStepShape,
  weights: RowWeights,
  coefficients: StepCoefficients,
  hasNoise: boolean,
): void {
  if (weights.length !== images || weights.some((own) => own.length !== rows)) {
    throw new RangeError(`guidedStep: weights must be [${images}][${rows}].`);
  }
  if (!(depth >= 1 && depth <= MAX_HISTORY))
    throw new RangeError(`guidedStep: a history of ${depth}; 1 to ${MAX_HISTORY} can be kept.`);
  const reads = coefficients.next.history?.length ?? 0;
  if (reads > depth) throw new RangeError(`guidedStep: this step reads a history of ${reads}, ${depth} is kept.`);
  if (needsNoise(coefficients) && !hasNoise)
    throw new RangeError('guidedStep: this step adds noise, which is missing.');
}

/** `Params` of guidedStep.wgsl. */
export function guidedStepParameters(
  shape: GuidedStepShape,
  weights: RowWeights,
  { denoised, clip = 0, next, keep = {} }: StepCoefficients,
): Uint32Array {
  const words = new Uint32Array(20 + shape.images * shape.rows);
  const floats = new Float32Array(words.buffer);
  const factors = ({ sample = 0, prediction = 0, denoised: estimate = 0, noise = 0 }: StepFactors) => [
    sample,
    prediction,
    estimate,
    noise,
  ];
  words.set([shape.elements, shape.rows, shape.images, shape.depth]);
  floats.set([denoised.sample, denoised.prediction, clip], 4);
  floats.set(factors(next), 8);
  floats.set(factors(keep), 12);
  floats.set(next.history ?? [], 16);
  floats.set(weights.flat(), 20);
  return words;
}
