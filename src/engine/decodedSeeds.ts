// The pictures of a run of one seed or several, seed by seed, so that each is finished whatever becomes of the next.

import { EngineError } from '../protocol/errors';
import type { Pixels } from '../protocol/pictureData';
import type { DeviceTensor } from './backend';
import { checkpoint } from './checkpoint';
import type { DiffusionModel } from './diffusionModel';
import { assertFinite } from './vaeDecoder';

export interface DecodedSeed {
  /** From 0. */
  readonly seed: number;
  /** Without PAG, where the latents have that, then with it. */
  readonly pictures: readonly Pixels[];
}

/**
 * @param latents [images, channels, height, width]: those without PAG of all seeds, where there are any, then those
 * with it. @param values of them
 * @throws EngineError `not-finite` behind all others, since it costs the seed alone whose numbers they are; any other
 * at once; AbortError
 */
export async function* decodedSeeds(
  { vaeDecoder }: Pick<DiffusionModel, 'vaeDecoder'>,
  latents: DeviceTensor,
  values: Float32Array,
  seeds: number,
  signal: AbortSignal,
): AsyncGenerator<DecodedSeed> {
  const images = latents.dims[0]!;
  const size = values.length / images;
  let failed: EngineError | null = null;
  for (let seed = 0; seed < seeds; seed += 1) {
    const pictures: Pixels[] = [];
    try {
      for (let image = seed; image < images; image += seeds) {
        await checkpoint(signal);
        assertFinite(values.subarray(image * size, (image + 1) * size));
        pictures.push(await vaeDecoder.decode(latents, image, signal));
      }
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'not-finite') throw error;
      failed ??= error;
      continue;
    }
    yield { seed, pictures };
  }
  if (failed) throw failed;
}
