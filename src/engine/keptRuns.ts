// What runs have left, for those that follow: of each image its finished latents and picture, and its state before each
// record, as far as there is room. Records are compared one by one (`diffusion/imageSteps`), so that a run begins where
// it parts from what was made already, whatever was changed: a PAG scale that begins late, a prompt from a step on, a
// cell of a series.

import { readsHistory, sameSteps } from '../diffusion/imageSteps';
import type { RunPlan } from '../diffusion/runPlan';
import type { Pixels } from '../protocol/pictureData';
import type { ImageState, LeftImage } from '../protocol/runSteps';
import { elements } from './backend';
import type { SeedNoise } from './seedNoise';
import { bytesOfStep, type ImageStep } from './stepTrace';

export type ImageKind = LeftImage['of'];

/** An image that is finished. */
export interface Trajectory {
  readonly of: ImageKind;
  /** Of each record, to be compared. */
  readonly steps: readonly string[];
  /** In order; of the first record there is none. */
  readonly states: readonly ImageState[];
  /** f32 [channels, height, width], at the end. */
  readonly latents: Float32Array;
  readonly picture: Pixels;
  /** What its steps came to, in order. */
  readonly traces: readonly ImageStep[];
}

/** Bytes of states that are kept for another visit: those of 20 steps at 64 × 64 latents, and more. */
const SMALL_BYTES = 8 * 2 ** 20;

/** For another visit; null where that is too much. */
export function leftOf(made: readonly Trajectory[]): readonly LeftImage[] | null {
  const bytes = made.reduce((sum, { states }) => sum + bytesOfStates(states), 0);
  return bytes > SMALL_BYTES ? null : made.map(({ of, latents, states }) => ({ of, latents, states }));
}

/** Where a run may begin. */
export interface Beginning {
  readonly record: number;
  /** null at the first record. */
  readonly state: ImageState | null;
  readonly of: Trajectory | null;
}

/** Of states, in bytes; a run's own are thinned out to a half of it. */
const MOST_BYTES = 128 * 2 ** 20;

export class KeptRuns {
  /** The newest first. */
  private kept: Trajectory[] = [];

  /** @param room in bytes */
  constructor(private readonly room = MOST_BYTES) {}

  /** The oldest make room. */
  add(made: readonly Trajectory[]): void {
    const steps = new Set(made.map((one) => one.steps.join()));
    this.kept = [...made, ...this.kept.filter((one) => !steps.has(one.steps.join()))];
    let bytes = 0;
    this.kept = this.kept.filter((one, at) => (bytes += bytesOf(one)) <= this.room || at < made.length);
  }

  /** The whole image, where it is there. */
  whole(steps: readonly string[]): Trajectory | null {
    return this.kept.find((one) => isSame(one.steps, steps)) ?? null;
  }

  /**
   * Where an image of these steps may begin, the last first; the first record is always one.
   * @param except an image that is to be made anew
   */
  beginnings(steps: readonly string[], except: Trajectory | null): readonly Beginning[] {
    const found = this.kept
      .filter((one) => one !== except)
      .flatMap((of) => {
        const same = sameSteps(of.steps, steps);
        return of.states.filter(({ record }) => record <= same).map((state) => ({ record: state.record, state, of }));
      });
    return [...found.sort((one, other) => other.record - one.record), { record: 0, state: null, of: null }];
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && sameSteps(one, other) === one.length;
}

function bytesOf({ states, latents, picture, traces }: Trajectory): number {
  const ofStates = bytesOfStates(states);
  const ofTraces = traces.reduce((sum, one) => sum + bytesOfStep(one), 0);
  return ofStates + ofTraces + latents.byteLength + picture.rgba.byteLength;
}

function bytesOfStates(states: readonly ImageState[]): number {
  return states.reduce((sum, { latents, history }) => sum + latents.byteLength + history.byteLength, 0);
}

/** Takes down the states of a run as it goes. */
export class StateLog {
  /** Whether its states have a history. */
  readonly remembers: boolean;
  private readonly ofImages: readonly ImageState[][];
  private readonly every: number;
  private readonly size: number;

  /** @param plan of all records */
  constructor(
    { records, historyLength }: Pick<RunPlan, 'records' | 'historyLength'>,
    images: number,
    latentShape: readonly number[],
    room = MOST_BYTES / 2,
  ) {
    this.ofImages = Array.from({ length: images }, () => []);
    this.remembers = readsHistory(records);
    this.size = elements(latentShape);
    const bytes = 4 * this.size * images * (this.remembers ? 1 + historyLength : 1);
    this.every = Math.ceil((bytes * records.length) / room);
  }

  /** Whether the state before this record is kept. */
  wants(record: number): boolean {
    return record > 0 && record % this.every === 0;
  }

  /**
   * @param latents [images, channels, height, width]
   * @param history [depth, images, channels, height, width]; empty where states have none
   */
  put(record: number, latents: Float32Array, history: Float32Array): void {
    const { size } = this;
    for (const [image, states] of this.ofImages.entries())
      states.push({
        record,
        latents: latents.slice(image * size, (image + 1) * size),
        history: ofImage(history, image, size, this.ofImages.length),
      });
  }

  of(image: number): readonly ImageState[] {
    return this.ofImages[image]!;
  }
}

/** From [depth, images, …]. */
function ofImage(history: Float32Array, image: number, size: number, images: number): Float32Array {
  const depth = history.length / (size * images);
  const own = new Float32Array(depth * size);
  for (let at = 0; at < depth; at += 1) {
    const from = (at * images + image) * size;
    own.set(history.subarray(from, from + size), at * size);
  }
  return own;
}

/** As a run of several images has them: [images, …], and [depth, images, …]. */
export function joinedStates(
  states: readonly ImageState[],
  depth: number,
): { readonly latents: Float32Array; readonly history: Float32Array } {
  const size = states[0]!.latents.length;
  const latents = new Float32Array(states.length * size);
  const history = new Float32Array(depth * latents.length);
  for (const [image, state] of states.entries()) {
    latents.set(state.latents, image * size);
    for (let at = 0; at * size < state.history.length; at += 1)
      history.set(state.history.subarray(at * size, (at + 1) * size), (at * states.length + image) * size);
  }
  return { latents, history };
}

/** Of all records before this one. */
export function skipNoise(noise: SeedNoise, { records }: RunPlan, record: number, count: number): void {
  const draws = records.slice(0, record).filter(({ noiseDraw }) => noiseDraw !== null).length;
  for (let draw = 0; draw < draws; draw += 1) noise.randn(count);
}

/** Buffers are handed to the page. */
export function copied({ width, height, rgba }: Pixels): Pixels {
  return { width, height, rgba: rgba.slice() };
}
