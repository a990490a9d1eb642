// What is shown of a run: its previews, the pair that it comes to, and of several images each as soon as it is
// finished, which is kept where the run ends early.

import type { EngineErrorData } from '../protocol/errors';
import type { DoneEvent, EngineErrorEvent, ImageEvent, PreviewEvent, RunStats } from '../protocol/events';
import type { Pair, Size } from '../protocol/pictureData';
import type { Recipe } from '../recipe/recipe';
import type { Job, Run, Shown } from './job';
import { runRecipe } from './runRecipe';
import { finishedImages, missingText, withImages, type ShownImage, type ShownImages } from './shownImages';

export function showPreview(job: Job, { runId, pair, further = [], image = 0, size }: PreviewEvent): Job {
  const run = runOf(job, runId);
  // What is there is the better preview of what comes at once.
  if (!run || (job.finished && run.live?.showsPreviews === false)) return job;
  const { settings, ref } = run;
  if (settings.images > 1) {
    const seen = [pair, ...further].map((one) => ({ pair: one, recipe: null, stats: null }));
    return { ...job, shown: growing(job, run, size, seen, image) };
  }
  // Sent once where it is an earlier run's.
  const before = job.shown?.runId === runId ? job.shown.pair.withoutPag : null;
  const whole = before && !pair.withoutPag ? { ...pair, withoutPag: before } : pair;
  return { ...job, shown: { runId, ref, settings, pair: whole, size, stats: null, recipe: null } };
}

export function showDone(job: Job, { runId, stats, left }: DoneEvent, pair: Pair): Job {
  const run = runOf(job, runId);
  if (!run) return job;
  const { settings, ref } = run;
  const recipe = recipeOf(job, run, pair, stats);
  const kept = { ...(job.traces?.runId === runId && { steps: job.traces.steps }), ...(left && { left }) };
  const shown = { runId, ref, settings, pair, size: pair.withPag, stats, recipe, ...kept };
  return { ...job, shown, finished: shown };
}

/** One of several is finished. */
export function withImage(job: Job, { runId, image, pair, stats }: ImageEvent): Job {
  const before = runOf(job, runId);
  if (!before) return job;
  const one = { pair, stats, recipe: recipeOf(job, before, pair, stats, image) };
  const run = { ...before, made: new Map(before.made).set(image, one) };
  const runs = job.runs.map((other) => (other === before ? run : other));
  return { ...job, runs, shown: growing(job, run, pair.withPag, [one], image), finished: finishedOf(job, run) };
}

/** All of several are finished; what they took is what the run did. */
export function showImages(job: Job, { runId, stats }: DoneEvent): Job {
  const run = runOf(job, runId);
  if (!run?.made) return job;
  const made = new Map([...run.made].map(([image, one]) => [image, { ...one, stats }]));
  const shown = finishedOf(job, { ...run, made });
  return { ...job, shown, finished: shown };
}

/** Of a run that ends early: what it has finished, else the last finished pair, where there is one. */
export function withFinished(job: Job, runId: string): Job {
  const run = runOf(job, runId);
  const finished = (run && finishedOf(job, run)) ?? job.finished;
  return { ...job, shown: finished ?? job.shown, finished };
}

export function withMissing(job: Job, { runId, error }: EngineErrorEvent): EngineErrorData {
  const { made, settings } = (runId !== null && runOf(job, runId)) || {};
  return made && settings ? { ...error, message: missingText(made, settings.images) + error.message } : error;
}

/** Of a run of several that goes on. */
function growing(job: Job, run: Run, size: Size, seen: readonly ShownImage[], at: number): Shown {
  const { id: runId, ref, settings, made = new Map() } = run;
  const images = withImages(imagesOf(job, runId), settings.images, made, seen, at);
  const { pair, ...own } = images.all[images.chosen]!.pair ? images.all[images.chosen]! : seen[0]!;
  return { runId, ref, settings, size, ...own, pair: pair!, images };
}

/** What of several images is finished; null where nothing is. */
function finishedOf(job: Job, { id: runId, ref, settings, made }: Run): Shown | null {
  if (!made) return null;
  const images = finishedImages(imagesOf(job, runId), made);
  const own = made.get(images.chosen)!;
  return { runId, ref, settings, size: own.pair.withPag, ...own, ...(images.all.length > 1 && { images }) };
}

function imagesOf({ shown }: Job, runId: string): ShownImages | null {
  return (shown?.runId === runId && shown.images) || null;
}

function runOf({ runs }: Job, runId: string): Run | undefined {
  return runs.find(({ id }) => id === runId);
}

function recipeOf({ device, model: info }: Job, run: Run, pair: Pair, stats: RunStats, image = 0): Recipe | null {
  return device && info ? runRecipe({ ...run, pair, stats, device, info, image, images: run.settings.images }) : null;
}
