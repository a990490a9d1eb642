// A run in numbers, before anything runs: for each forward of the model which rows it has, what combines their
// predictions, which of them fork off others at the perturbed sites, the PAG scale, and which draws of noise are read.
// The engine carries it out; nothing of it needs a device.
//
// Both images of a pair start from the same latents and part where the first perturbed row runs. Up to there, that
// record included, they read the same and share their rows. Behind it the rows before the fork are those of each image:
// records differ in their perturbed rows alone, which do not exist before it.
//
// Several seeds run together, as rows of one batch; each pair shares its rows in the same way.
//
// A run that starts from an image leaves out the first steps: it runs ⌊N·strength⌋ of N, in the arithmetic of doubles,
// and its first latents are the image's with noise of the first step that is left (diffusers' img2img).
//
// With a mask on that image, the rest of it is known at every noise level: behind each record what lies outside the
// mask is the image's latents again, with the noise of the run's begin at the level of the next record, and without any
// at the end (diffusers' inpainting, RePaint without its resampling, arXiv 2201.09865). A step of two stages is blended
// behind each. A UNet that was made for it reads mask and masked image beside the latents, and nothing is blended.
//
// A run may change on the way: its last settings hold from a step on, and what held before is said beside them
// (`EarlierSteps`). It begins behind what is made already: at any record whose latents and history are known, and
// without the image without PAG where that is there, since it does not depend on PAG.

import {
  combinedImages,
  forkRows,
  isNonlinear,
  planStep,
  rowGuidance,
  type CombinedImage,
  type GuidanceSettings,
} from './guidance';
import type { EarlierSteps, PagOptions } from './options';
import { pagScales } from './pagScale';
import { makeStepTable, type SchedulerId } from './schedulers';
import { countSteps, historyLength, needsNoise, noisedAs } from './stepTable';
import type {
  KnownFactors,
  Row,
  ScheduleOptions,
  SchedulerConfig,
  SiteRow,
  StepCoefficients,
  StepTable,
} from './types';

/** What of a run's settings its numbers depend on. */
export interface PlannedSettings extends ScheduleOptions {
  readonly scheduler: SchedulerId;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly pagScale: number;
  readonly layers: string;
  readonly pag: PagOptions;
  readonly compare: boolean;
  /** What held in its first steps, where it changes on the way, in order. */
  readonly earlier?: readonly Pick<EarlierSteps, 'until' | 'guidanceScale' | 'pagScale' | 'layers'>[];
  /** Of a run that starts from an image. */
  readonly start?: PlannedStart | null;
}

export interface PlannedStart {
  /** 0 … 1: how much of the run is made. */
  readonly strength: number;
  /** Draws of noise for a sample of the encoder's: one, where it has a variance. */
  readonly draws: number;
  /** How a mask is obeyed: the rest is blended in behind each record, or a UNet reads it beside the latents. */
  readonly mask?: 'blended' | 'read' | null;
}

/** What of the model they depend on. */
export interface PlannedModel {
  readonly scheduler: SchedulerConfig;
  /** The CFG scale is an input of the UNet, which guides by itself. */
  readonly guidanceEmbedded: boolean;
  /** u of each site that layers stand for, in any order; none where there is no site. */
  readonly strengths: (layers: string) => readonly number[];
}

/** What of a run is there already. */
export interface Made {
  /** The first record that is still to be made. */
  readonly record: number;
  /** The whole image without PAG, so that the other one is made alone. */
  readonly withoutPag: boolean;
}

/** One forward of the model and the scheduler's record that follows it. */
export interface PlannedRecord {
  readonly coefficients: StepCoefficients;
  /** Whose settings hold: those of `earlier[phase]`, or the run's own behind the last of these. */
  readonly phase: number;
  /** 0 where no perturbed row runs. */
  readonly pagScale: number;
  /** Each distinct (latents, context) once, unperturbed: what runs before the first perturbed site. */
  readonly base: readonly Row[];
  /** weights[image][row] of what the scheduler's step reads. */
  readonly weights: readonly (readonly number[])[];
  /** What the fork makes of the rows before it: output row r reads `base[siteRows[r].source]`. */
  readonly siteRows: readonly SiteRow[];
  /** The rows of each image, where they are combined to one prediction an image before the scheduler's step. */
  readonly nonlinear: readonly CombinedImage[] | null;
  /** What the rest of the picture becomes behind it, of the start image and its noise; null where there is no mask. */
  readonly known: KnownFactors | null;
  /** Which draw of noise it reads, the first of the run being draw 0; null where none. */
  readonly noiseDraw: number | null;
  /** The user's step that is next, where this record ends one and is not the last: a preview can be shown. */
  readonly nextStep: number | null;
}

/**
 * The first latents are `sample` times those of the start image and `noise` times draw `draw`, before which the image
 * is sampled, if it is, and behind which what the mask leaves of it is, if it is: `draws` in all.
 */
export interface PlannedInit extends KnownFactors {
  readonly draw: number;
  readonly draws: number;
}

export interface RunPlan {
  /**
   * How many latents: one a seed, or where the image without PAG is made too first those of all seeds without PAG, then
   * those of all with it.
   */
  readonly images: number;
  /** As the user counts them: a step of two stages is one, of two records. */
  readonly steps: number;
  readonly init: PlannedInit;
  readonly historyLength: number;
  /** What runs: all records, or those that are still to be made. */
  readonly records: readonly PlannedRecord[];
  /** Which of all records is the first of these. */
  readonly first: number;
  /** Rows that forwards run behind the fork, over the whole run, and the most of any one. */
  readonly rows: number;
  readonly mostRows: number;
  /** The most before the fork. */
  readonly mostBase: number;
}

/**
 * Pure. Throws an Error that names what cannot be served: the steps, or a field of the scheduler's config.
 * @param made what is there already; null where nothing is.
 * @param seeds how many images are made together, each of a seed of its own.
 */
export function planRun(settings: PlannedSettings, model: PlannedModel, made: Made | null = null, seeds = 1): RunPlan {
  const { start = null, earlier = [] } = settings;
  const skipped = settings.steps - stepsRun(settings.steps, start);
  if (skipped === settings.steps) throw new Error(`A strength of ${start?.strength} leaves none of the steps.`);
  const table = makeStepTable(settings.scheduler, model.scheduler, settings.steps, { ...settings, skipped });
  const phases = [...earlier, settings].map(({ guidanceScale, pagScale, layers }) => ({
    guidanceScale: rowGuidance(guidanceScale, model.guidanceEmbedded),
    scales: pagScales(pagScale, settings.pag, table),
    // A row is perturbed as much as its site says; 1 here stands for any.
    identity: model.strengths(layers).some((strength) => strength > 0) ? 1 : 0,
  }));
  const steps = countSteps(table);
  const isPair = settings.compare && !made?.withoutPag;
  let together = true;
  const init = planInit(table, start);
  let draws = init.draws - 1;
  const all = table.steps.map((coefficients, index) => {
    const before = earlier.findIndex(({ until }) => coefficients.step < until);
    const phase = before < 0 ? earlier.length : before;
    const { guidanceScale, scales, identity } = phases[phase]!;
    const pagScale = scales[index]!;
    const withPag = { guidanceScale, pagScale, identity };
    const kinds = isPair ? [{ guidanceScale, pagScale: 0 }, withPag] : [withPag];
    const images = kinds.flatMap((kind) => new Array<GuidanceSettings>(seeds).fill(kind));
    const rows = planRows(images, settings.pag, together ? seeds : images.length);
    if (pagScale !== 0 && identity !== 0) together = false;
    const following = table.steps[index + 1]?.step ?? steps;
    const noiseDraw = needsNoise(coefficients) ? (draws += 1) : null;
    const nextStep = following > coefficients.step && following < steps ? following : null;
    const after = table.steps[index + 1];
    const known = start?.mask === 'blended' ? (after ? noisedAs(after) : { sample: 1, noise: 0 }) : null;
    return { coefficients, phase, pagScale, ...rows, known, noiseDraw, nextStep };
  });
  const first = made?.record ?? 0;
  const records = all.slice(first);
  const counts = records.map(({ siteRows }) => siteRows.length);
  return {
    images: isPair ? 2 * seeds : seeds,
    steps,
    init,
    historyLength: historyLength(table),
    records,
    first,
    rows: counts.reduce((sum, count) => sum + count, 0),
    mostRows: Math.max(0, ...counts),
    mostBase: Math.max(0, ...records.map(({ base }) => base.length)),
  };
}

/**
 * As diffusers' pipelines begin: with a mask and a strength of 1 from noise alone, where the image is sampled only if
 * it is blended in later; what the mask leaves of it is sampled whether it is read or not.
 */
function planInit({ initNoiseSigma, steps }: StepTable, start: PlannedStart | null): PlannedInit {
  const ofNoise = { sample: 0, noise: initNoiseSigma };
  if (!start) return { ...ofNoise, draw: 0, draws: 1 };
  const { strength, draws, mask = null } = start;
  if (mask === null) return { ...noisedAs(steps[0]!), draw: draws, draws: draws + 1 };
  const draw = mask === 'read' && strength === 1 ? 0 : draws;
  return { ...(strength === 1 ? ofNoise : noisedAs(steps[0]!)), draw, draws: draw + 1 + draws };
}

/** How many of the steps are run; 0 where the strength leaves none. */
export function stepsRun(steps: number, start: Pick<PlannedStart, 'strength'> | null): number {
  return start ? Math.min(Math.floor(steps * start.strength), steps) : steps;
}

/** @param different latents: images that read the same ones still share their rows. */
function planRows(images: readonly GuidanceSettings[], pag: PagOptions, different: number) {
  const latents = images.map((_, image) => image % different);
  const { rows, weights } = planStep(images, latents);
  const combined = combinedImages(images, rows, latents);
  if (!isNonlinear(pag, combined)) return { weights, nonlinear: null, ...forkRows(rows) };
  const own = images.map((_, image) => images.map((__, other) => (other === image ? 1 : 0)));
  return { weights: own, nonlinear: combined, ...forkRows(rows) };
}
