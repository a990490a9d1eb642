// What the UNet sees of the latents: out[r, i] = scale · latents[images[r], i] + shift, in the element type it
// takes. Latents: [images, elements] f32; out: [rows, elements]. The VAE decoder's input is made the same way; the
// shift is its alone. A UNet for inpainting sees further channels behind the latents': [images, besideElements] f32.

import body from './modelInput.wgsl?raw';
import type { ElementType, KernelCompiler } from './compiler';
import { encodeDispatch, tensorBytes } from './dispatch';

export interface ModelInputShape {
  readonly images: number;
  /** Elements of one image's latents. */
  readonly elements: number;
  /** Elements of one image that lie behind them; none if not given. */
  readonly besideElements?: number;
}

export interface ModelInput {
  /** Encodes one dispatch; row r is made of image `images[r]`.
   *  @throws RangeError for an image that is not there. */
  encode(
    encoder: GPUCommandEncoder,
    buffers: { readonly latents: GPUBuffer; readonly beside?: GPUBuffer | null; readonly out: GPUBuffer },
    images: readonly number[],
    scale: number,
    shift?: number,
  ): void;
}

/** @throws EngineError `shader-compile`. */
export async function createModelInput(
  compiler: KernelCompiler,
  shape: ModelInputShape,
  elem: ElementType,
): Promise<ModelInput> {
  const pipeline = await compiler.pipeline({ name: 'modelInput', body }, elem);
  const { besideElements = 0 } = shape;
  const rowElements = shape.elements + besideElements;
  const latentBytes = tensorBytes(shape.images * shape.elements, 'f32');
  const besideBytes = tensorBytes(shape.images * besideElements, 'f32');
  return {
    encode(encoder, { latents, beside, out }, images, scale, shift = 0) {
      checkImages(images, shape.images);
      const params = compiler.parameterBuffer('modelInput', modelInputParameters(shape, images, scale, shift));
      encodeDispatch(
        compiler,
        encoder,
        pipeline,
        [
          { name: 'parameters', tensor: params, bytes: params.size },
          { name: 'latents', tensor: latents, bytes: latentBytes },
          // A binding cannot be empty.
          beside && besideElements > 0
            ? { name: 'beside', tensor: beside, bytes: besideBytes }
            : { name: 'beside', tensor: latents, bytes: latentBytes },
          { name: 'out', tensor: out, bytes: tensorBytes(images.length * rowElements, elem) },
        ],
        [Math.ceil(rowElements / 64), images.length, 1],
      );
    },
  };
}

/** @throws RangeError where a row reads an image that is not there. */
export function checkImages(images: readonly number[], count: number): void {
  const bad = images.find((image) => !Number.isInteger(image) || image < 0 || image >= count);
  if (bad !== undefined) throw new RangeError(`A row reads image ${bad} of ${count}.`);
}

/** `Params` of modelInput.wgsl. */
export function modelInputParameters(
  { elements, besideElements = 0 }: ModelInputShape,
  images: readonly number[],
  scale: number,
  shift: number,
): Uint32Array {
  const words = new Uint32Array(5 + images.length);
  words.set([elements, images.length]);
  new Float32Array(words.buffer).set([scale, shift], 2);
  words[4] = besideElements;
  words.set(images, 5);
  return words;
}
