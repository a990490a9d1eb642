// Several images of one run, each of the seed behind the last: together where the device holds their rows, else some at
// a time, one batch after the other. Each is what a run of its own makes, and is told as soon as it is finished: so it
// outlives a cancel, an error, and the worker.

import { stepsRun } from '../diffusion/runPlan';
import { imagesAtOnce, type Capacity } from '../models/preflight';
import { EngineError } from '../protocol/errors';
import type { ImagesMade, RunProgressEvent, RunStats } from '../protocol/events';
import type { Pair, Size, StartImage } from '../protocol/pictureData';
import type { Settings } from '../settings/fields';
import { imageSeed } from '../settings/seeds';
import { contextOfRun } from './contextOfRun';
import type { DiffusionModel } from './diffusionModel';
import { generate, type RunHooks } from './generate';

export interface SeveralHooks {
  readonly signal: AbortSignal;
  progress(phase: RunProgressEvent['phase'], step: number, secondsLeft: number | null, images?: ImagesMade): void;
  /** @param image which of the run's images the first of these is. */
  preview(step: number, pairs: readonly Pair[], size: Size, image?: number): void;
  /** An image of the run, whose pixels it may hand over. @param stats of the run as far as it has come */
  finished(image: number, pair: Pair, stats: RunStats): void;
}

/**
 * Of the whole run.
 * @throws EngineError, or AbortError where `hooks.signal` is aborted; where the numbers of an image are not finite,
 * when the others are finished
 */
export async function generateSeveral(
  model: DiffusionModel,
  settings: Settings,
  hooks: SeveralHooks,
  capacity: Capacity,
  startImage: StartImage | null = null,
): Promise<RunStats> {
  const started = performance.now();
  const { images } = settings;
  const steps = stepsRun(settings.steps, startImage && settings);
  const run = { ...settings, contextTokens: contextOfRun(model, settings) };
  const together =
    model.unet.fixedBatch === null ? imagesAtOnce(images, (count) => model.needs(run, count), capacity) : 1;
  const seconds = () => (performance.now() - started) / 1000;
  let stats = null as RunStats | null;
  let failed = null as EngineError | null;
  for (let from = 0; from < images; from += together) {
    const count = Math.min(together, images - from);
    const made = count < images ? { from, count, of: images } : undefined;
    const left = (step: number) => {
      const share = (from + (count * step) / steps) / images;
      return share > 0 ? seconds() * (1 / share - 1) : null;
    };
    const rowsBefore = stats?.unetRows ?? 0;
    const ofBatch: RunHooks = {
      signal: hooks.signal,
      progress: (phase, step, secondsLeft) => hooks.progress(phase, step, made ? left(step) : secondsLeft, made),
      preview: (step, shown, size) => hooks.preview(step, shown, size, from),
      finished: (seed, pair, batch) => {
        stats = { ...batch, unetRows: rowsBefore + batch.unetRows, seconds: seconds() };
        hooks.finished(from + seed, pair, stats);
      },
    };
    const own = { ...settings, seed: imageSeed(settings.seed, from) };
    try {
      await generate(model, own, ofBatch, { seeds: count, start: startImage });
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'not-finite') throw error;
      failed ??= error;
    }
  }
  if (failed) throw failed;
  return { ...stats!, seconds: seconds() };
}
