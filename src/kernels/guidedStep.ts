// Guidance and the scheduler's step in one dispatch (StepCoefficients says the formula). Predictions:
// [rows, elements] of elem; everything else [images, elements] f32. Rows of weight 0 are not read, nor D₋₁ and
// noise where their factors are 0: what lies there cannot leak, not even a NaN.

import type { StepCoefficients } from '../diffusion/types';
import body from './guidedStep.wgsl?raw';
import type { ElementType, KernelCompiler } from './compiler';
import { encodeDispatch, tensorBytes, type TensorBuffer } from './dispatch';

export interface GuidedStepShape {
  readonly rows: number;
  readonly images: number;
  /** Elements of one image's latents. */
  readonly elements: number;
}

/** The two outputs are none of the inputs. `previousDenoised` and `noise` may be null where their factors are 0. */
export interface GuidedStepBuffers {
  readonly predictions: TensorBuffer;
  readonly latents: TensorBuffer;
  readonly previousDenoised: TensorBuffer | null;
  readonly noise: TensorBuffer | null;
  readonly nextLatents: TensorBuffer;
  readonly denoised: TensorBuffer;
}

/** weights[image][row]. */
export type Weights = readonly (readonly number[])[];

export interface GuidedStep {
  /** Encodes one dispatch.
   *  @throws RangeError for weights of another shape, or an input that is missing though its factor is not 0. */
  encode(encoder: GPUCommandEncoder, buffers: GuidedStepBuffers, weights: Weights, coefficients: StepCoefficients): void;
}

/** @throws EngineError `shader-compile`. */
export async function createGuidedStep(compiler: KernelCompiler, shape: GuidedStepShape, elem: ElementType): Promise<GuidedStep> {
  const pipeline = await compiler.pipeline({ name: 'guidedStep', body }, elem);
  const imageBytes = tensorBytes(shape.images * shape.elements, 'f32');
  return {
    encode(encoder, buffers, weights, coefficients) {
      checkStep(shape, weights, coefficients, buffers.previousDenoised !== null, buffers.noise !== null);
      const params = compiler.parameterBuffer('guidedStep', stepParameters(shape, weights, coefficients));
      const image = (name: string, tensor: TensorBuffer) => ({ name, tensor, bytes: imageBytes });
      encodeDispatch(compiler.device, encoder, pipeline, [
        { name: 'parameters', tensor: params, bytes: params.size },
        { name: 'predictions', tensor: buffers.predictions, bytes: tensorBytes(shape.rows * shape.elements, elem) },
        image('latents', buffers.latents),
        image('previousDenoised', buffers.previousDenoised ?? buffers.latents),
        image('noise', buffers.noise ?? buffers.latents),
        image('nextLatents', buffers.nextLatents),
        image('denoised', buffers.denoised),
      ], [Math.ceil(shape.elements / 64), shape.images, 1]);
    },
  };
}

/** @throws RangeError, see `GuidedStep.encode`. */
export function checkStep(shape: GuidedStepShape, weights: Weights, { next }: StepCoefficients, hasPrevious: boolean, hasNoise: boolean): void {
  if (weights.length !== shape.images || weights.some((own) => own.length !== shape.rows)) {
    throw new RangeError(`guidedStep: weights must be [${shape.images}][${shape.rows}].`);
  }
  if (next.previousDenoised !== 0 && !hasPrevious) throw new RangeError('guidedStep: this step reads the previous denoised estimate, which is missing.');
  if (next.noise !== 0 && !hasNoise) throw new RangeError('guidedStep: this step adds noise, which is missing.');
}

/** `Params` of guidedStep.wgsl. */
function stepParameters(shape: GuidedStepShape, weights: Weights, { denoised, next }: StepCoefficients): Uint32Array {
  const words = new Uint32Array(12 + shape.images * shape.rows);
  const floats = new Float32Array(words.buffer);
  words.set([shape.elements, shape.rows, next.previousDenoised === 0 ? 0 : 1, next.noise === 0 ? 0 : 1]);
  floats.set([denoised.sample, denoised.prediction], 4);
  floats.set([next.sample, next.denoised, next.previousDenoised, next.noise], 8);
  floats.set(weights.flat(), 12);
  return words;
}
