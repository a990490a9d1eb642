// Live mode: a setting that moves makes the pair anew, without the button. Here is when it may (what the last run took,
// turned into rows of the run to come), and the pauses: a run under way that is outdated goes on while the hand moves,
// since its picture may come in time, and is ended when the hand rests. At most one run waits, the newest.

import { planRun } from '../diffusion/runPlan';
import { selectSites } from '../onnx/sites/layers';
import type { ModelInfo } from '../protocol/loaded';
import type { Settings } from '../settings/fields';
import { pictureSize } from '../settings/pictureSize';
import type { Job } from './job';
import { plannedStart } from './plannedStart';

/** Whether pictures follow the settings; `auto` where a moved slider is answered within LIVE_SECONDS. */
export type LiveChoice = 'auto' | 'on' | 'off';

export const LIVE_SECONDS = 1.5;
/** What takes longer never starts by itself, though it be switched on. */
export const LIVE_AT_MOST = 10;

export interface Live {
  /** As the switch shows it. */
  readonly on: boolean;
  /** Whether a setting that moves starts a run. */
  readonly runs: boolean;
  /** Why none starts. */
  readonly waits: 'off' | 'several' | 'unknown' | 'impossible' | 'slow' | 'failed' | null;
  /** What the image with PAG takes by itself, at these settings; null before a run of this model has been finished. */
  readonly seconds: number | null;
}

/** @param ref the id of the chosen model's ModelRef. @param fromImage of which a run leaves out its first steps. */
export function liveOf(
  choice: LiveChoice,
  settings: Settings,
  job: Pick<Job, 'measured' | 'model' | 'error'>,
  ref: string,
  fromImage: boolean,
): Live {
  const rows = job.model && rowsOf(settings, job.model, fromImage);
  const seconds = job.model && rows && secondsOf(rows, settings, job.model, job, ref);
  const fast = seconds !== null && seconds <= LIVE_SECONDS;
  const on = choice === 'on' || (choice === 'auto' && fast);
  const waits =
    choice === 'off'
      ? 'off'
      : settings.images > 1
        ? 'several'
        : seconds === null
          ? job.model && rows === null
            ? 'impossible'
            : 'unknown'
          : seconds > (choice === 'on' ? LIVE_AT_MOST : LIVE_SECONDS)
            ? 'slow'
            : job.error
              ? 'failed'
              : null;
  return { on, runs: waits === null, waits, seconds };
}

/** From the last finished run of this model on this device, by its rows and their pixels; null before one. */
export function secondsOf(
  rows: number,
  settings: Settings,
  { sizes }: ModelInfo,
  { measured }: Pick<Job, 'measured'>,
  ref: string,
): number | null {
  if (measured?.ref !== ref || measured.backend !== settings.backend) return null;
  const { width, height } = pictureSize(settings, sizes);
  return (measured.seconds * rows * width * height) / (measured.rows * measured.pixels);
}

/** Of the image with PAG alone, or of both; null where no run can be made of these settings. */
export function rowsOf(
  settings: Settings,
  { sites, scheduler, guidanceEmbedded }: ModelInfo,
  fromImage: boolean,
  both = false,
): number | null {
  try {
    const strengths = (layers: string) =>
      (sites.length > 0 ? selectSites(layers, sites) : []).map(
        ({ name }) => settings.pag.siteIdentity[name] ?? settings.pag.identity,
      );
    const start = plannedStart(settings, fromImage);
    const made = both ? null : { record: 0, withoutPag: true };
    return planRun({ ...settings, start }, { scheduler, guidanceEmbedded, strengths }, made).rows;
  } catch {
    return null;
  }
}

/** Milliseconds before a run: at rest nothing is lost by a short pause, which gathers what changes together. */
const FIRST_MS = 40;
/** For which the hand rests before an outdated run is ended. */
const REST_MS = 150;
/** Between two letters. */
const TYPING_MS = 500;

export interface LiveDoor {
  /** Whether something runs. */
  readonly busy: () => boolean;
  /** Makes the pair of the settings as they are, where it is not there; what is under way is outdated. */
  readonly renew: () => void;
}

/** Tells when to renew. */
export class LivePauses {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private typing = false;

  constructor(private readonly door: LiveDoor) {}

  /** A setting has moved. */
  moved(changes: Partial<Settings>): void {
    const typing = 'prompt' in changes || 'negativePrompt' in changes;
    const busy = this.door.busy();
    if (this.timer !== null && !this.typing && !typing && !busy) return;
    this.forget();
    this.typing = typing;
    this.timer = setTimeout(() => this.renew(), typing ? TYPING_MS : busy ? REST_MS : FIRST_MS);
  }

  /** A run has come to its end: what has moved meanwhile need not wait for the hand to rest. */
  ended(): void {
    if (this.timer !== null && !this.typing && !this.door.busy()) this.renew();
  }

  /** Another cause decides what runs. */
  forget(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private renew(): void {
    this.forget();
    this.door.renew();
  }
}
