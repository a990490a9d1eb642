// The modelInput kernel's twin in plain TypeScript.

import { checkImages, type ModelInputShape } from './modelInput';

/** Latents [images, elements] → [rows, elements], rows as `images` says.
 *  @throws RangeError for an image that is not there. */
export function modelInputOnCpu(
  shape: ModelInputShape,
  latents: Float32Array,
  images: readonly number[],
  scale: number,
  shift = 0,
): Float32Array<ArrayBuffer> {
  checkImages(images, shape.images);
  const out = new Float32Array(images.length * shape.elements);
  const factor = Math.fround(scale);
  const offset = Math.fround(shift);
  images.forEach((image, row) => {
    for (let i = 0; i < shape.elements; i += 1) {
      out[row * shape.elements + i] = factor * latents[image * shape.elements + i]! + offset;
    }
  });
  return out;
}
