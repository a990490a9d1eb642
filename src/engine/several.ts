// Several images of one run, each of the seed behind the last: together where the device holds their rows, else some at
// a time, one batch after the other. Each is what a run of its own makes; those that are finished outlive a cancel, and
// an error.

import { stepsRun } from '../diffusion/runPlan';
import { imagesAtOnce, type Capacity } from '../models/preflight';
import { EngineError, toErrorData } from '../protocol/errors';
import type { ImagesMade, RunProgressEvent, RunStats } from '../protocol/events';
import type { Pair, Size, StartImage } from '../protocol/pictureData';
import type { Settings } from '../settings/fields';
import { imageSeed } from '../settings/seeds';
import { contextOfRun } from './contextOfRun';
import type { DiffusionModel } from './diffusionModel';
import { generate } from './generate';
import { copied } from './keptRuns';
import { fileGone } from './modelFiles';

export interface SeveralHooks {
  readonly signal: AbortSignal;
  progress(phase: RunProgressEvent['phase'], step: number, secondsLeft: number | null, images?: ImagesMade): void;
  /** @param image which of the run's images the first of these is. */
  preview(step: number, pairs: readonly Pair[], size: Size, image?: number): void;
}

export interface Several {
  /** Fewer than asked for where the run was cancelled, or failed. */
  readonly pairs: readonly Pair[];
  readonly stats: RunStats;
  /** Why the rest was not made; null where all were, or the run was cancelled. */
  readonly failure: EngineError | null;
}

/** @throws EngineError, or AbortError where `hooks.signal` is aborted; both before an image is finished alone. */
export async function generateSeveral(
  model: DiffusionModel,
  settings: Settings,
  hooks: SeveralHooks,
  capacity: Capacity,
  startImage: StartImage | null = null,
): Promise<Several> {
  const started = performance.now();
  const { images } = settings;
  const steps = stepsRun(settings.steps, startImage && settings);
  const run = { ...settings, contextTokens: contextOfRun(model, settings) };
  const together =
    model.unet.fixedBatch === null ? imagesAtOnce(images, (count) => model.needs(run, count), capacity) : 1;
  const pairs: Pair[] = [];
  let stats: RunStats | null = null;
  let failure: EngineError | null = null;
  while (pairs.length < images) {
    const from = pairs.length;
    const count = Math.min(together, images - from);
    const made = count < images ? { from, count, of: images } : undefined;
    const left = (step: number) => {
      const share = (from + (count * step) / steps) / images;
      return share > 0 ? ((performance.now() - started) / 1000) * (1 / share - 1) : null;
    };
    const ofBatch = {
      signal: hooks.signal,
      progress: (phase: RunProgressEvent['phase'], step: number, secondsLeft: number | null) =>
        hooks.progress(phase, step, made ? left(step) : secondsLeft, made),
      preview: (step: number, shown: readonly Pair[], size: Size) => hooks.preview(step, shown, size, from),
    };
    const own = { ...settings, seed: imageSeed(settings.seed, from) };
    try {
      const batch = await generate(model, own, ofBatch, { seeds: count, start: startImage });
      stats = sum(stats, batch.stats);
      pairs.push(...batch.pairs);
      const last = pairs.length === images;
      // What is finished is shown as it is while the next are made. Buffers are handed to the page.
      if (!last) hooks.preview(steps, batch.pairs.map(copiedPair), batch.pair.withPag, from);
    } catch (error) {
      if (!stats) throw error;
      if (!hooks.signal.aborted) failure = withFinished(error, pairs.length, images);
      break;
    }
  }
  return { pairs, stats: { ...stats!, seconds: (performance.now() - started) / 1000 }, failure };
}

function withFinished(error: unknown, finished: number, images: number): EngineError {
  const { code, message, detail } = toErrorData(fileGone(error) ?? error);
  const done = finished === 1 ? `The first of ${images} images is` : `The first ${finished} of ${images} images are`;
  const left = finished + 1 === images ? `image ${images}` : `images ${finished + 1} to ${images}`;
  return new EngineError(code, `${done} finished and kept; ${left} could not be made. ${message}`, detail, {
    cause: error,
  });
}

function sum(before: RunStats | null, next: RunStats): RunStats {
  return before ? { ...before, unetRows: before.unetRows + next.unetRows } : next;
}

function copiedPair({ withoutPag, withPag }: Pair): Pair {
  return { withoutPag: withoutPag && copied(withoutPag), withPag: copied(withPag) };
}
