// The noise of images that run together: each has a generator of its own, seeded one after the other, so that it draws
// what a run of its own draws, in the first latents and in every step.

import { noiseFrom, type NoiseGenerator } from '../diffusion/noise';
import type { Settings } from '../settings/fields';
import { imageSeed } from '../settings/seeds';

export class SeedNoise {
  private readonly generators: readonly NoiseGenerator[];

  constructor({ seed, noiseSource }: Pick<Settings, 'seed' | 'noiseSource'>, seeds: number) {
    this.generators = Array.from({ length: seeds }, (_, image) => noiseFrom(noiseSource, imageSeed(seed, image)));
  }

  /** The next `count` values of each, one after the other. */
  randn(count: number): Float32Array<ArrayBuffer> {
    const values = new Float32Array(count * this.generators.length);
    for (const [image, generator] of this.generators.entries()) values.set(generator.randn(count), image * count);
    return values;
  }
}
