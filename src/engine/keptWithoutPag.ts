// The image without PAG of the last run, kept for the next: its picture, its latents, and its state where the image
// with PAG parted from it. Runs that differ in PAG alone take it as it is, and begin there.

import { concatenated } from './concatenated';
import type { RunPlan } from '../diffusion/runPlan';
import type { LongText, Pixels } from '../protocol/messages';
import { elements, type Backend, type DeviceTensor } from './backend';
import type { RunResult } from './generate';
import type { SeedNoise } from './seedNoise';

/** The image without PAG of a run that is done. */
export interface WithoutPag {
  readonly picture: Pixels;
  /** f32 [channels, height, width]. */
  readonly latents: Float32Array;
  /** Of all records. */
  readonly plan: RunPlan;
  /** What it was where the other image parted from it; null where they part at once, or not at all. */
  readonly parting: Parting | null;
}

/** The state of an image before a record. */
export interface Parting {
  readonly record: number;
  readonly latents: Float32Array;
  /** f32 [depth, channels, height, width]. */
  readonly history: Float32Array;
}

/** null of a run that did not compare. */
export function withoutPagOf({ pair, latents, plan, parting }: RunResult): WithoutPag | null {
  const { withoutPag } = pair;
  return withoutPag && { picture: copied(withoutPag), latents: latents.slice(0, latents.length / 2), plan, parting };
}

/** Where PAG is not active in any record both images are the one that is there. */
export function bothOf(left: WithoutPag, started: number, text: LongText | null): RunResult {
  const stats = {
    seconds: (performance.now() - started) / 1000,
    unetRows: 0,
    rowsBeforeFork: 0,
    rowsAfterFork: 0,
    perturbedSites: [],
    keptWithoutPag: true,
    ...(text && { text }),
  };
  const pair = { withoutPag: copied(left.picture), withPag: copied(left.picture) };
  return {
    pair,
    pairs: [pair],
    latents: concatenated([left.latents, left.latents]),
    plan: left.plan,
    parting: left.parting,
    stats,
  };
}

/** Those of the first latents, and of all records before this one. */
export function skipNoise(noise: SeedNoise, { init, records }: RunPlan, record: number, count: number): void {
  const draws = 1 + init.draw + records.slice(0, record).filter(({ noiseDraw }) => noiseDraw !== null).length;
  for (let draw = 0; draw < draws; draw += 1) noise.randn(count);
}

/** Of the first image: of [images, …] and [depth, images, …]. */
export async function stateOfFirst(
  backend: Backend,
  latents: DeviceTensor,
  history: DeviceTensor,
): Promise<Omit<Parting, 'record'>> {
  const size = elements(latents.dims.slice(1));
  const stride = elements(latents.dims);
  const depths = await backend.read(history);
  const first = new Float32Array((depths.length / stride) * size);
  for (let depth = 0; depth * stride < depths.length; depth += 1)
    first.set(depths.subarray(depth * stride, depth * stride + size), depth * size);
  return { latents: (await backend.read(latents)).slice(0, size), history: first };
}

/** Buffers are handed to the page. */
export function copied({ width, height, rgba }: Pixels): Pixels {
  return { width, height, rgba: rgba.slice() };
}
