// The sentences of the status line, the progress bar and what is said aloud.

import type { LoadingEvent, RunProgressEvent, VerdictEvent, Waiting } from '../protocol/events';
import type { DeviceInfo } from '../protocol/loaded';
import type { Job } from '../store/job';
import type { Offline } from '../store/store';

/** What the page lacks where it is no secure context. */
export const PLAIN_HTTP =
  'Over HTTPS or at localhost Pagoda may also use WebGPU and more threads, work offline and store models';

/** Whether the page will be there without a network, and what helps where it will not. */
export const OFFLINE: Readonly<Record<Offline, string>> = {
  kept: 'Works offline',
  'no-room':
    'Works, but not offline: the browser has no room to keep it. Free some space on this device, then reload the page',
  'no-room-for-update':
    'There is a new version, but the browser has no room for it. Free some space on this device, then reload the page',
  failed: 'Works, but not offline: a part of it could not be stored. Reload the page to try again',
  refused: 'Works, but not offline: this browser does not let it be stored here, as in a private window',
};

export function deviceText(device: DeviceInfo | null): string {
  if (!device) return 'Starting the engine';
  if (device.backend === 'webgpu') {
    const without = device.wrongOperators.map(
      (operator) => ` · without ONNX Runtime's ${operator}, which is wrong on this GPU`,
    );
    return `${device.adapter} · WebGPU${device.f16 ? ' · f16' : ''}${without.join('')}`;
  }
  const threads = `${device.threads} ${device.threads === 1 ? 'thread' : 'threads'}`;
  const why = device.fallbackReason ? `${device.fallbackReason} Running on the CPU, slower` : 'Running on the CPU';
  return `${why} · WASM · ${threads}`;
}

/** What people should know of the model: while it loads, what was said of it before. */
export function noticesOf({ model, verdict, error }: Job): readonly string[] {
  if (error?.code === 'does-not-fit') return [];
  const isOfModel = !verdict || verdict.modelId === model?.id;
  return [...(verdict?.reasons ?? []), ...((isOfModel && model?.notices) || [])];
}

const FIT: Readonly<Record<VerdictEvent['level'], string>> = {
  fits: 'Fits this device',
  doubtful: 'May not fit this device',
  no: 'Does not fit this device',
};

/** The verdict in a line: "Fits this device: 26 MB of weights, the largest buffer 3.1 MB, f32." */
export function verdictText({ level, figures }: VerdictEvent): string {
  return `${FIT[level]}: ${figures}.`;
}

/** What is going on, or how the last run ended; '' where nothing has happened yet. */
export function progressText(job: Job): string {
  const isUnderWay = job.runs.length > 0 || job.loading !== null;
  return [doingText(job), job.waiting && isUnderWay ? waitingText(job.waiting, job) : ''].filter(Boolean).join(' · ');
}

/** What is said where a GPU says nothing. */
const SILENT = 'the GPU does not answer';

function waitingText({ what, seconds, gpu }: Waiting, { runs, cancelling }: Job): string {
  const long = seconds < 90 ? `${seconds} s` : secondsText(seconds);
  if (gpu === 'computing') return `the GPU has computed for ${long}`;
  if (gpu !== 'silent') return `waits for ${what}, ${long}`;
  const remedy = '. Cancel starts the engine anew; under Device it can run on the CPU';
  return `${SILENT}: waits for ${what}, ${long}${runs.length > 0 && !cancelling ? remedy : ''}`;
}

function doingText(job: Job): string {
  const { progress, loading, shown } = job;
  const waiting = job.runs.length > 1 ? ` · ${job.runs.length - 1} waiting` : '';
  if (job.cancelling) return `Cancelling…${waiting}`;
  if (loading && !progress) return `${loading.what}${bytesText(loading)}${waiting}`;
  if (progress) {
    const which = imagesText(progress);
    if (progress.phase === 'prepare') return `${which}Preparing${waiting}`;
    if (progress.phase === 'decode') return `${which}Decoding${waiting}`;
    const left = progress.secondsLeft === null ? '' : ` · ${secondsText(progress.secondsLeft)} left`;
    return `${which}Step ${Math.min(progress.step + 1, progress.steps)} of ${progress.steps}${left}${waiting}`;
  }
  if (job.runs.length > 0) return `Starting${waiting}`;
  if (job.lastEnd === 'cancelled') return 'Cancelled';
  if (job.lastEnd !== 'done' || !shown?.stats) return '';
  const { seconds, tiles } = shown.stats;
  return `Done in ${secondsText(seconds)}${tiles ? `, decoded in ${tiles} tiles` : ''}`;
}

/** "Image 2 of 4 · " where not all of them are made at once. */
function imagesText({ images }: RunProgressEvent): string {
  if (!images) return '';
  const { from, count, of } = images;
  return count === 1 ? `Image ${from + 1} of ${of} · ` : `Images ${from + 1} to ${from + count} of ${of} · `;
}

/** How far a run is, 0 … 1. */
export function fractionOf({ step, steps, images }: RunProgressEvent): number {
  const { from, count, of } = images ?? { from: 0, count: 1, of: 1 };
  return (from + (count * step) / steps) / of;
}

/** What is said while pictures follow the settings by themselves. */
const FOLLOWING = 'The pictures follow the settings';

/** What is said aloud of it: few words, that change at the start, at most every fifth of the way, and at the end. */
export function announcementOf(job: Job): string {
  const { progress, loading, runs, lastEnd, error, live } = job;
  if (job.waiting?.gpu === 'silent' && (loading || runs.length > 0)) return capitalized(SILENT);
  // Said once, however many runs the moving hand starts.
  if (live && !error && !job.cancelling && (runs.length > 0 || lastEnd === 'done')) return FOLLOWING;
  if (progress && progress.phase !== 'prepare') {
    const fifth = Math.min(4, Math.floor(5 * fractionOf(progress)));
    if (progress.images) return fifth === 0 ? 'Generating' : `${20 * fifth} %`;
    return fifth === 0 ? 'Generating' : `Step ${Math.ceil((fifth * progress.steps) / 5)} of ${progress.steps}`;
  }
  if (job.cancelling) return 'Cancelling';
  if (runs.length > 0) return loading && !progress ? 'Loading the model' : 'Generating';
  if (loading) return 'Loading the model';
  return error || lastEnd === null ? '' : progressText(job);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A message in which somebody's long text stands, with its beginning and its end. */
export function shortened(text: string): string {
  const letters = Array.from(text);
  return letters.length <= 400 ? text : `${letters.slice(0, 250).join('')} … ${letters.slice(-120).join('')}`;
}

export function secondsText(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

/** " · 12.3 of 43.1 MB · 31 s left"; '' where nothing is to come, or all is here. */
function bytesText({ loadedBytes, totalBytes, secondsLeft }: LoadingEvent): string {
  if (loadedBytes === totalBytes || (loadedBytes === 0 && totalBytes === null)) return '';
  const mega = (bytes: number) => (bytes / 1e6).toFixed(1);
  if (totalBytes === null) return ` · ${mega(loadedBytes)} MB`;
  const left =
    secondsLeft === null
      ? ''
      : ` · ${secondsLeft < 90 ? `${Math.ceil(secondsLeft)} s` : secondsText(secondsLeft)} left`;
  return ` · ${mega(loadedBytes)} of ${mega(totalBytes)} MB${left}`;
}
