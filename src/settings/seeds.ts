// The seed of each image of a run of several: s, s + 1, … as in A1111, so that each is what a run of its own makes.

const LAST = Number.MAX_SAFE_INTEGER;

/**
 * The seed of an image, or of one before the first where `image` is negative. Behind the largest comes 0, which
 * PyTorch's generator, whose low 32 bits count, takes the same way.
 */
export function imageSeed(seed: number, image: number): number {
  if (image < 0) return seed + image < 0 ? seed + image + LAST + 1 : seed + image;
  const left = LAST - seed;
  return image <= left ? seed + image : image - left - 1;
}
