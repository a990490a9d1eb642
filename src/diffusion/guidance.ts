// Classifier-free guidance and PAG (arXiv 2403.17377) as rows and weights. With g the CFG scale, s the PAG
// scale and ε̂ the prediction whose chosen self-attentions return their values unmixed,
//
//   ε̃ = ε_∅ + g(ε_c − ε_∅) + s(ε_c − ε̂)    →  uncond 1 − g, cond g + s, perturbed −s
//   CFG off (g ≤ 1): ε̃ = ε_c + s(ε_c − ε̂)  →  cond 1 + s, perturbed −s
//
// The same weights hold for ε-, v- and x₀-predictions, since guidance is linear. The perturbed row is the
// cond row up to the first perturbed site; so the rows before it are fewer, and the site forks them.

import type { PagOptions } from './options';
import type { Row, RowPlan, SiteRow } from './types';

export interface GuidanceSettings {
  /** Classifier-free guidance g; off at g ≤ 1. */
  readonly guidanceScale: number;
  /** PAG scale s; 0 runs no perturbed row and leaves exactly the weights of CFG alone. */
  readonly pagScale: number;
  /** u of the perturbed row: 1 (the default) is PAG, less is SoftPAG, 0 perturbs nothing and runs no row. */
  readonly identity?: number;
}

/**
 * The g that rows are combined with: 1, so that there is no unconditional row, where the UNet has the CFG scale as an
 * input and guides by itself (LCM).
 */
export function rowGuidance(guidanceScale: number, embedded: boolean): number {
  return embedded ? 1 : guidanceScale;
}

/** The rows that one image needs, in diffusers' order: uncond, cond, perturbed; and a weight for each. */
export function planRows(
  { guidanceScale, pagScale, identity = 1 }: GuidanceSettings,
  image: number,
): { rows: Row[]; weights: number[] } {
  const guided = guidanceScale > 1;
  const perturbed = pagScale !== 0 && identity !== 0;
  const cond = guided ? guidanceScale : 1;

  const rows: Row[] = [{ image, context: 'cond', identity: 0 }];
  const weights = [perturbed ? cond + pagScale : cond];
  if (guided) {
    rows.unshift({ image, context: 'uncond', identity: 0 });
    weights.unshift(1 - guidanceScale);
  }
  if (perturbed) {
    rows.push({ image, context: 'cond', identity });
    weights.push(-pagScale);
  }
  return { rows, weights };
}

/**
 * One batch for several images, the rows of one after those of the other; image i weighs foreign rows 0.
 * @param latents which latents each image reads; those of one's own if not given. Images that read the same share rows.
 */
export function planStep(images: readonly GuidanceSettings[], latents = images.map((_, image) => image)): RowPlan {
  const rows: Row[] = [];
  const used = images.map((image, at) => {
    const own = planRows(image, latents[at]!);
    return own.rows.map((row, index) => ({ row: placeOf(row, rows), weight: own.weights[index]! }));
  });
  return {
    rows,
    weights: used.map((own) => rows.map((_, at) => own.find(({ row }) => row === at)?.weight ?? 0)),
  };
}

/** Where a row stands among `rows`, at whose end it is put if it is not there yet. */
function placeOf(row: Row, rows: Row[]): number {
  const at = rows.findIndex(
    ({ image, context, identity }) => image === row.image && context === row.context && identity === row.identity,
  );
  return at < 0 ? rows.push(row) - 1 : at;
}

/**
 * What runs before the first site, and how the site makes `rows` of it.
 * `base` holds each distinct (image, context) once, unperturbed, in the order of first appearance; row r of
 * the later batch reads `base[siteRows[r].source]`, blended by `siteRows[r].identity`.
 */
export function forkRows(rows: readonly Row[]): { base: Row[]; siteRows: SiteRow[] } {
  const base: Row[] = [];
  const siteRows = rows.map((row) => ({ source: placeOf({ ...row, identity: 0 }, base), identity: row.identity }));
  return { base, siteRows };
}

/** Guidance that no weighted sum of rows is: what tames over-cooked colours. */
export type NonlinearGuidance = Pick<PagOptions, 'rescale' | 'guidanceRescale'>;

/** The rows of one image in a batch, by what they are, and the scales that combine them. */
export interface CombinedImage {
  /** null without CFG. */
  readonly uncond: number | null;
  readonly cond: number;
  /** null where PAG is not active. */
  readonly perturbed: number | null;
  readonly guidanceScale: number;
  readonly pagScale: number;
}

/** Where each image's rows lie in a batch that `planStep` made of `images` and `latents`. */
export function combinedImages(
  images: readonly GuidanceSettings[],
  rows: readonly Row[],
  latents = images.map((_, image) => image),
): CombinedImage[] {
  return images.map(({ guidanceScale, pagScale }, image) => {
    const find = (context: Row['context'], perturbed: boolean) => {
      const at = rows.findIndex(
        (row) => row.image === latents[image] && row.context === context && row.identity > 0 === perturbed,
      );
      return at < 0 ? null : at;
    };
    return {
      uncond: find('uncond', false),
      cond: find('cond', false) ?? 0,
      // Another image's, where they share rows.
      perturbed: pagScale === 0 ? null : find('cond', true),
      guidanceScale,
      pagScale,
    };
  });
}

/** Whether `guidance` changes anything for these images; where not, their rows' weights say it all. */
export function isNonlinear(
  { rescale, guidanceRescale }: NonlinearGuidance,
  images: readonly CombinedImage[],
): boolean {
  const rescales = (rescale.mode === 'full' || rescale.mode === 'partial') && rescale.amount > 0;
  return images.some(
    ({ uncond, perturbed }) =>
      (perturbed !== null && (rescales || (rescale.mode === 'snf' && uncond !== null))) ||
      (uncond !== null && guidanceRescale > 0),
  );
}
