// A run in numbers, before anything runs: for each forward of the model which rows it has, what combines their
// predictions, which of them fork off others at the perturbed sites, the PAG scale, and which draws of noise are read.
// The engine carries it out; nothing of it needs a device.
//
// Rows before the fork are the same in every record: records differ in their perturbed rows alone, which do not exist
// before it. So what an image without PAG needs is a part of what the pair needs, and is run once for both.

import {
  combinedImages,
  forkRows,
  isNonlinear,
  planStep,
  rowGuidance,
  type CombinedImage,
  type GuidanceSettings,
} from './guidance';
import type { PagOptions } from './options';
import { pagScales } from './pagScale';
import { makeStepTable, type SchedulerId } from './schedulers';
import { countSteps, historyLength, needsNoise } from './stepTable';
import type { Row, ScheduleOptions, SchedulerConfig, SiteRow, StepCoefficients } from './types';

/** What of a run's settings its numbers depend on. */
export interface PlannedSettings extends ScheduleOptions {
  readonly scheduler: SchedulerId;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly pagScale: number;
  readonly pag: PagOptions;
  readonly compare: boolean;
}

/** What of the model they depend on. */
export interface PlannedModel {
  readonly scheduler: SchedulerConfig;
  /** The CFG scale is an input of the UNet, which guides by itself. */
  readonly guidanceEmbedded: boolean;
  /** u of each chosen site, in any order; none where there is no site. */
  readonly strengths: readonly number[];
}

/** One forward of the model and the scheduler's record that follows it. */
export interface PlannedRecord {
  readonly coefficients: StepCoefficients;
  /** 0 where no perturbed row runs. */
  readonly pagScale: number;
  /** weights[image][row] of what the scheduler's step reads. */
  readonly weights: readonly (readonly number[])[];
  /** What the fork makes of the rows before it: output row r reads `base[siteRows[r].source]`. */
  readonly siteRows: readonly SiteRow[];
  /** The rows of each image, where they are combined to one prediction an image before the scheduler's step. */
  readonly nonlinear: readonly CombinedImage[] | null;
  /** Which draw of noise it reads, the run's first latents being draw 0; null where none. */
  readonly noiseDraw: number | null;
  /** The user's step that is next, where this record ends one and is not the last: a preview can be shown. */
  readonly nextStep: number | null;
}

export interface RunPlan {
  /** 2 where the image without PAG is made too; it is then image 0. */
  readonly images: 1 | 2;
  /** As the user counts them: a step of two stages is one, of two records. */
  readonly steps: number;
  /** The first latents are so many times draw 0. */
  readonly initNoiseSigma: number;
  readonly historyLength: number;
  /** Each distinct (image, context) once, unperturbed: what runs before the first perturbed site. */
  readonly base: readonly Row[];
  readonly records: readonly PlannedRecord[];
  /** Rows that forwards run behind the fork, over the whole run, and the most of any one. */
  readonly rows: number;
  readonly mostRows: number;
}

/** Pure. Throws an Error that names what cannot be served: the steps, or a field of the scheduler's config. */
export function planRun(settings: PlannedSettings, model: PlannedModel): RunPlan {
  const table = makeStepTable(settings.scheduler, model.scheduler, settings.steps, settings);
  const scales = pagScales(settings.pagScale, settings.pag, table);
  const guidanceScale = rowGuidance(settings.guidanceScale, model.guidanceEmbedded);
  // A row is perturbed as much as its site says; 1 here stands for any.
  const identity = model.strengths.some((strength) => strength > 0) ? 1 : 0;
  const steps = countSteps(table);
  let draws = 0;
  const planned = table.steps.map((coefficients, index) => {
    const pagScale = scales[index]!;
    const withPag = { guidanceScale, pagScale, identity };
    const images = settings.compare ? [{ guidanceScale, pagScale: 0 }, withPag] : [withPag];
    const { base, ...rows } = planRows(images, settings.pag);
    const following = table.steps[index + 1]?.step ?? steps;
    const noiseDraw = needsNoise(coefficients) ? (draws += 1) : null;
    const nextStep = following > coefficients.step && following < steps ? following : null;
    return { base, record: { coefficients, pagScale, ...rows, noiseDraw, nextStep } };
  });
  const records = planned.map(({ record }) => record);
  const counts = records.map(({ siteRows }) => siteRows.length);
  return {
    images: settings.compare ? 2 : 1,
    steps,
    initNoiseSigma: table.initNoiseSigma,
    historyLength: historyLength(table),
    base: planned[0]!.base,
    records,
    rows: counts.reduce((sum, count) => sum + count, 0),
    mostRows: Math.max(...counts),
  };
}

function planRows(images: readonly GuidanceSettings[], pag: PagOptions) {
  const { rows, weights } = planStep(images);
  const combined = combinedImages(images, rows);
  if (!isNonlinear(pag, combined)) return { weights, nonlinear: null, ...forkRows(rows) };
  const own = images.map((_, image) => images.map((__, other) => (other === image ? 1 : 0)));
  return { weights: own, nonlinear: combined, ...forkRows(rows) };
}
