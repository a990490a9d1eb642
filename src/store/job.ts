// The job slice: what the engine is doing, as a pure function of its events. A finished pair stays until the next
// run shows something, and comes back where that run is cancelled or fails; an error ends its run and nothing else.

import type { EngineErrorData } from '../protocol/errors';
import type {
  CostsEvent,
  EngineEvent,
  FitEvent,
  LoadingEvent,
  RunProgressEvent,
  RunStats,
  VerdictEvent,
  Waiting,
} from '../protocol/events';
import type { DeviceInfo, ModelInfo } from '../protocol/loaded';
import type { Pair, Size } from '../protocol/pictureData';
import type { LeftImage, StepTrace } from '../protocol/runSteps';
import type { Settings } from '../settings/fields';
import type { Recipe } from '../recipe/recipe';
import type { Embedding } from './embeddings';
import type { Lora } from './loras';
import { choose, type MadeImages, type ShownImages } from './shownImages';
import { showDone, showImages, showPreview, withFinished, withImage, withMissing } from './shownRun';

export interface Run {
  readonly id: string;
  readonly model: Recipe['model'];
  /** The id of its ModelRef. */
  readonly ref: string;
  readonly settings: Settings;
  /** All that were added; absent: none. */
  readonly loras?: readonly RunLora[];
  /** Started by a setting that moved; absent: by the button. */
  readonly live?: { readonly showsPreviews: boolean };
  /** Those that its prompts name. */
  readonly embeddings?: readonly RunEmbedding[];
  /** Hash of the image that it starts from. */
  readonly start?: string;
  /** Hash of the mask on it. */
  readonly mask?: string;
  /** Of several images those that are finished; absent: none. */
  readonly made?: MadeImages;
}

export type RunEmbedding = Pick<Embedding, 'id' | 'name'>;

/** A LoRA of a run; whether it fits the model the engine says. */
export type RunLora = Pick<Lora, 'id' | 'name' | 'weight' | 'hash'>;

export interface Shown {
  readonly runId: string;
  /** The id of its model's ModelRef. */
  readonly ref: string;
  readonly settings: Settings;
  readonly pair: Pair;
  /** Of the finished pair: a preview may have fewer pixels. */
  readonly size: Size;
  /** null while it is a preview. */
  readonly stats: RunStats | null;
  /** Of a finished pair. */
  readonly recipe: Recipe | null;
  /** What its steps came to; absent: a preview, of several images, or not kept. */
  readonly steps?: readonly StepTrace[];
  /** What is left of it, to go on from; absent: nothing, or too much. */
  readonly left?: readonly LeftImage[];
  /** Of a run of several images, of which `pair` and `recipe` are one; absent: of one. */
  readonly images?: ShownImages;
}

export interface Measured {
  readonly ref: string;
  readonly backend: Settings['backend'];
  readonly seconds: number;
  /** UNet rows, each for as many pixels. */
  readonly rows: number;
  readonly pixels: number;
}

export interface Job {
  readonly device: DeviceInfo | null;
  readonly model: ModelInfo | null;
  /** Of the model that was loaded last, or is being loaded. */
  readonly verdict: VerdictEvent | null;
  /** How much of the last prompts that were asked for is read. */
  readonly fit: FitEvent | null;
  readonly loading: LoadingEvent | null;
  /** The first one is running, the others wait. */
  readonly runs: readonly Run[];
  readonly progress: RunProgressEvent | null;
  /** What the engine has waited for, for long. */
  readonly waiting: Waiting | null;
  readonly shown: Shown | null;
  /** What the last run that was finished took, and of which model on what; null before one. */
  readonly measured: Measured | null;
  /**
   * What was finished last, of several images as soon as one of them is; it comes back where a later run ends without.
   */
  readonly finished: Shown | null;
  /** The steps of the run that is under way, as far as it is. */
  readonly traces: { readonly runId: string; readonly steps: readonly StepTrace[] } | null;
  /** Asked to end, which a long part of a run may take its time to hear. */
  readonly cancelling: boolean;
  readonly lastEnd: 'done' | 'cancelled' | null;
  /** Whether a setting that moved has started the last run that was asked for. */
  readonly live: boolean;
  readonly error: EngineErrorData | null;
}

export const IDLE: Job = {
  device: null,
  model: null,
  verdict: null,
  fit: null,
  loading: null,
  runs: [],
  progress: null,
  waiting: null,
  shown: null,
  measured: null,
  finished: null,
  traces: null,
  cancelling: false,
  lastEnd: null,
  live: false,
  error: null,
};

/** At most one run waits: the newest. */
export function asked(job: Job, run: Run): Job {
  return { ...job, runs: [...job.runs.slice(0, 1), run], live: run.live !== undefined, error: null };
}

export function cancelled(job: Job): Job {
  return { ...job, runs: job.runs.slice(0, 1), cancelling: job.runs.length > 0 };
}

/** A pair that was finished earlier takes the place of the last one. */
export function showing(job: Job, shown: Shown): Job {
  return { ...job, shown, finished: shown, lastEnd: null };
}

/** Of the pair that is shown; of a run that is under way those that are there. */
export function stepsShown({ shown, traces }: Pick<Job, 'shown' | 'traces'>): readonly StepTrace[] {
  if (!shown) return NONE;
  return (traces?.runId === shown.runId ? traces.steps : shown.steps) ?? NONE;
}

const NONE: readonly StepTrace[] = [];

/** What a run that waited and was replaced still says is nobody's. */
export function reduce(job: Job, event: EngineEvent): Job {
  if ('runId' in event && event.runId !== null && !job.runs.some(({ id }) => id === event.runId)) return job;
  switch (event.type) {
    case 'device':
      return { ...job, device: event.device };
    case 'loading':
      return { ...job, loading: event };
    case 'fit':
      return { ...job, fit: event };
    case 'verdict':
      return { ...job, verdict: event };
    case 'model-ready':
      return { ...job, model: event.model, fit: null, loading: null };
    case 'costs':
      return { ...job, model: withCosts(job.model, event) };
    case 'progress':
      return { ...job, progress: event, loading: null };
    case 'waiting':
      return { ...job, waiting: event.waiting };
    case 'trace': {
      const steps = job.traces?.runId === event.runId ? job.traces.steps : [];
      return { ...job, traces: { runId: event.runId, steps: [...steps, event.trace] } };
    }
    case 'preview':
      return showPreview(job, event);
    case 'image':
      return withImage(job, event);
    case 'done': {
      const done = ended(event.pair ? showDone(job, event, event.pair) : showImages(job, event), event.runId);
      return { ...done, measured: measuredOf(done.shown) ?? job.measured, lastEnd: 'done' };
    }
    case 'cancelled':
      return { ...ended(withFinished(job, event.runId), event.runId), lastEnd: 'cancelled' };
    case 'error':
      return {
        ...(event.runId === null
          ? { ...job, loading: null, waiting: null }
          : ended(withFinished(job, event.runId), event.runId)),
        error: withMissing(job, event),
        lastEnd: null,
      };
  }
}

function withCosts(model: ModelInfo | null, { modelId, costs }: CostsEvent): ModelInfo | null {
  if (model?.id !== modelId) return model;
  return { ...model, sites: model.sites.map((site, index) => ({ ...site, ...costs[index] })) };
}

/** Another image of the run that is shown. */
export function chosen(job: Job, image: number): Job {
  if (!job.shown) return job;
  const shown = choose(job.shown, image);
  return { ...job, shown, finished: job.finished === job.shown ? shown : job.finished };
}

/** null of a run for which there was nothing to compute. */
function measuredOf(shown: Shown | null): Measured | null {
  if (!shown?.stats || shown.stats.unetRows === 0) return null;
  const { seconds, unetRows: rows } = shown.stats;
  const { width, height } = shown.recipe?.settings ?? shown.size;
  return { ref: shown.ref, backend: shown.settings.backend, seconds, rows, pixels: width * height };
}

function ended(job: Job, runId: string): Job {
  const runs = job.runs.filter((run) => run.id !== runId);
  const traces = job.traces?.runId === runId ? null : job.traces;
  return { ...job, runs, traces, progress: null, waiting: null, loading: null, cancelling: false };
}
