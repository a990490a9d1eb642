// What a run begins with: noise, or noise on the latents of a start image.

import { stepsRun, type RunPlan } from '../diffusion/runPlan';
import { EngineError } from '../protocol/errors';
import type { StartImage } from '../protocol/messages';
import type { Settings } from '../settings/fields';
import { pictureSize } from '../settings/pictureSize';
import { elements } from './backend';
import { latentsOfRun, type DiffusionModel } from './diffusionModel';
import type { SeedNoise } from './seedNoise';
import { sampleOf, type LatentDistribution } from './vaeEncoder';

/**
 * The image's latents, as a distribution.
 * @throws EngineError `start-impossible`, before anything is computed where model or settings are why.
 */
export async function encodedStart(
  model: DiffusionModel,
  settings: Settings,
  image: StartImage,
): Promise<LatentDistribution> {
  const { vaeEncoder, info } = model;
  const { steps, strength, startFit } = settings;
  if (!vaeEncoder)
    throw new EngineError(
      'start-impossible',
      'This model came without its VAE’s encoder, through which a start image goes. Remove the start image, or ' +
        'choose another model; one that was fetched by an earlier Pagoda may have its encoder when fetched again.',
    );
  if (stepsRun(steps, { strength }) === 0)
    throw new EngineError(
      'start-impossible',
      `At a strength of ${strength} none of ${steps} steps is run, and the start image would come back as it is. ` +
        `Raise the strength to ${leastStrength(steps)} or more, or take more steps.`,
    );
  return vaeEncoder.encode(image, startFit, pictureSize(settings, info.sizes), elements(latentsOfRun(model, settings)));
}

/** Of which one step is left, to two digits. */
function leastStrength(steps: number): number {
  return Math.ceil(100 / steps) / 100;
}

/** Of every image the same, in the order of draws that the plan has. [images, …] */
export function firstLatents(
  { init }: RunPlan,
  start: LatentDistribution | null,
  source: SeedNoise,
  shape: readonly number[],
): Float32Array {
  const known = start && sampleOf(start, (count) => source.randn(count));
  const values = sameNoise(source, shape, init.noise);
  return known ? values.map((noise, at) => noise + init.sample * known[at % known.length]!) : values;
}

/** The next standard normal noise of each seed, times `scale`: one draw, the same with PAG and without. [images, …] */
export function sameNoise(source: SeedNoise, dims: readonly number[], scale: number): Float32Array {
  const noise = source.randn(elements(dims.slice(1)));
  const values = new Float32Array(elements(dims));
  for (let at = 0; at < values.length; at += 1) values[at] = scale * noise[at % noise.length]!;
  return values;
}
