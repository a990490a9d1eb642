// What each record of a plan makes one image of, as a text. Runs whose texts are the same up to a record, and who read
// the same words and noise, have made the same image up to there, bit by bit: a row is computed the same however many
// run beside it. So a run can go on from what another one has left.

import type { NonlinearGuidance } from './guidance';
import type { PlannedRecord, RunPlan } from './runPlan';

/** Which of a record's rows an image is made of. */
export interface ImageRows {
  readonly uncond: boolean;
  readonly perturbed: boolean;
}

/**
 * @param image which of the plan's, whose records are all of the run
 * @param beyond what else a record's rows depend on: the words and the layers of its phase
 */
export function stepsOfImage(
  { records, historyLength, init }: RunPlan,
  image: number,
  guidance: NonlinearGuidance,
  beyond: (record: PlannedRecord, rows: ImageRows) => string,
): readonly string[] {
  const remembers = readsHistory(records);
  return records.map((record) => {
    const combined = combinationOf(record, image, guidance);
    const { coefficients, known, noiseDraw } = record;
    const numbers = [init, remembers && historyLength, coefficients, known, noiseDraw, combined.numbers];
    return `${JSON.stringify(numbers)}\n${beyond(record, combined)}`;
  });
}

/** Whether any of them reads what earlier ones have kept. */
export function readsHistory(records: readonly PlannedRecord[]): boolean {
  return records.some(({ coefficients: { next } }) => (next.history?.length ?? 0) > 0);
}

/** How many of the first records are the same. */
export function sameSteps(one: readonly string[], other: readonly string[]): number {
  const most = Math.min(one.length, other.length);
  let same = 0;
  while (same < most && one[same] === other[same]) same += 1;
  return same;
}

function combinationOf(
  { base, siteRows, weights, nonlinear }: PlannedRecord,
  image: number,
  { rescale, guidanceRescale }: NonlinearGuidance,
): ImageRows & { readonly numbers: unknown } {
  if (nonlinear) {
    const { uncond, perturbed, ...scales } = nonlinear[image]!;
    const has = { uncond: uncond !== null, perturbed: perturbed !== null };
    return { ...has, numbers: [has, scales, guidanceRescale, has.perturbed && rescale] };
  }
  // What weighs nothing is not read.
  const rows = siteRows.flatMap(({ source, identity }, row) => {
    const weight = weights[image]![row]!;
    return weight === 0 ? [] : [{ context: base[source]!.context, identity, weight }];
  });
  return {
    uncond: rows.some(({ context }) => context === 'uncond'),
    perturbed: rows.some(({ identity }) => identity > 0),
    numbers: rows,
  };
}
