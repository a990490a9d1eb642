// The seed of each image of a run of several: s, s + 1, … as in A1111, so that each is what a run of its own makes.

const SEEDS = Number.MAX_SAFE_INTEGER;

/** Behind the largest seed comes 0, which PyTorch's generator, whose low 32 bits count, takes the same way. */
export function imageSeed(seed: number, image: number): number {
  const left = SEEDS - seed;
  return image <= left ? seed + image : image - left - 1;
}
