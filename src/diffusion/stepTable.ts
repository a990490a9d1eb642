// The table of a run: one record of coefficients for each forward of the model, and what is asked of a whole table.

import type { KnownFactors, StepCoefficients, StepTable } from './types';

/** How many steps a table has, as the user counts them: a two-stage step is one. */
export function countSteps({ steps }: StepTable): number {
  return (steps.at(-1)?.step ?? -1) + 1;
}

/** How many K's of earlier records to keep: what the table's records read, and at least one. */
export function historyLength({ steps }: StepTable): number {
  return Math.max(1, ...steps.map(({ next }) => next.history?.length ?? 0));
}

/**
 * The table of a run that starts behind so many steps, which are not counted then. Of history it has what its own
 * records keep: as in diffusers' LMS, what a record would read beyond that is left out of its sum.
 */
export function withoutSkipped({ initNoiseSigma, steps }: StepTable, skipped: number): StepTable {
  if (skipped === 0) return { initNoiseSigma, steps };
  const left = steps.filter(({ step }) => step >= skipped);
  return {
    initNoiseSigma,
    steps: left.map((record, at) => {
      const { history, ...next } = record.next;
      return {
        ...record,
        step: record.step - skipped,
        next: { ...next, ...(history && { history: history.slice(0, at) }) },
      };
    }),
  };
}

/**
 * Latents of a known image at a record's noise level: `sample` times them and `noise` times z. diffusers' `add_noise`.
 */
export function noisedAs({ sigma, inputScale }: Pick<StepCoefficients, 'sigma' | 'inputScale'>): KnownFactors {
  // Where the model sees x as it is, x has unit variance; else it is x₀ + σ·ε.
  if (inputScale !== 1) return { sample: 1, noise: sigma };
  const alpha = 1 / Math.hypot(sigma, 1);
  return { sample: alpha, noise: Number.isFinite(sigma) ? sigma * alpha : 1 };
}

/** Whether a record reads noise. */
export function needsNoise({ next, keep }: StepCoefficients): boolean {
  return (next.noise ?? 0) !== 0 || (keep?.noise ?? 0) !== 0;
}
