// Classifier-free guidance and PAG (arXiv 2403.17377) as rows and weights. With g the CFG scale, s the PAG
// scale and ε̂ the prediction whose chosen self-attentions return their values unmixed,
//
//   ε̃ = ε_∅ + g(ε_c − ε_∅) + s(ε_c − ε̂)    →  uncond 1 − g, cond g + s, perturbed −s
//   CFG off (g ≤ 1): ε̃ = ε_c + s(ε_c − ε̂)  →  cond 1 + s, perturbed −s
//
// The same weights hold for ε-, v- and x₀-predictions, since guidance is linear. The perturbed row is the
// cond row up to the first perturbed site; so the rows before it are fewer, and the site forks them.

import type { Row, RowPlan, SiteRow } from './types';

export interface GuidanceSettings {
  /** Classifier-free guidance g; off at g ≤ 1. */
  readonly guidanceScale: number;
  /** PAG scale s; 0 runs no perturbed row and leaves exactly the weights of CFG alone. */
  readonly pagScale: number;
  /** u of the perturbed row: 1 (the default) is PAG, less is SoftPAG, 0 perturbs nothing and runs no row. */
  readonly identity?: number;
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

/** One batch for several images, the rows of one after those of the other; image i weighs foreign rows 0. */
export function planStep(images: readonly GuidanceSettings[]): RowPlan {
  const plans = images.map(planRows);
  return {
    rows: plans.flatMap(({ rows }) => rows),
    weights: plans.map((own) => plans.flatMap((plan) => (plan === own ? plan.weights : plan.rows.map(() => 0)))),
  };
}

/**
 * What runs before the first site, and how the site makes `rows` of it.
 * `base` holds each distinct (image, context) once, unperturbed, in the order of first appearance; row r of
 * the later batch reads `base[siteRows[r].source]`, blended by `siteRows[r].identity`.
 */
export function forkRows(rows: readonly Row[]): { base: Row[]; siteRows: SiteRow[] } {
  const base: Row[] = [];
  const siteRows = rows.map(({ image, context, identity }) => {
    let source = base.findIndex((row) => row.image === image && row.context === context);
    if (source < 0) source = base.push({ image, context, identity: 0 }) - 1;
    return { source, identity };
  });
  return { base, siteRows };
}
