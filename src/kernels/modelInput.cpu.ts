// The modelInput kernel's twin in plain TypeScript.

import { checkImages, type ModelInputShape } from './modelInput';

/** Latents [images, elements] and what lies beside them → [rows, elements + besideElements], rows as `images` says.
 *  @throws RangeError for an image that is not there. */
export function modelInputOnCpu(
  shape: ModelInputShape,
  latents: Float32Array,
  images: readonly number[],
  scale: number,
  shift = 0,
  beside: Float32Array = new Float32Array(0),
): Float32Array<ArrayBuffer> {
  checkImages(images, shape.images);
  const { elements, besideElements = 0 } = shape;
  const stride = elements + besideElements;
  const out = new Float32Array(images.length * stride);
  const factor = Math.fround(scale);
  const offset = Math.fround(shift);
  images.forEach((image, row) => {
    for (let i = 0; i < elements; i += 1) out[row * stride + i] = factor * latents[image * elements + i]! + offset;
    out.set(beside.subarray(image * besideElements, (image + 1) * besideElements), row * stride + elements);
  });
  return out;
}
