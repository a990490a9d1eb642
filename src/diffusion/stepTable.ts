// The table of a run: one record of coefficients for each forward of the model, and what is asked of a whole table.

import type { StepCoefficients, StepTable } from './types';

/** How many steps a table has, as the user counts them: a two-stage step is one. */
export function countSteps({ steps }: StepTable): number {
  return (steps.at(-1)?.step ?? -1) + 1;
}

/** How many K's of earlier records to keep: what the table's records read, and at least one. */
export function historyLength({ steps }: StepTable): number {
  return Math.max(1, ...steps.map(({ next }) => next.history?.length ?? 0));
}

/** Whether a record reads noise. */
export function needsNoise({ next, keep }: StepCoefficients): boolean {
  return (next.noise ?? 0) !== 0 || (keep?.noise ?? 0) !== 0;
}
