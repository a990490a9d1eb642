// What a series takes before it begins: UNet rows, of which cells share what they have in common, and seconds.

import type { SeriesPlan } from '../series/cells';
import type { Job } from './job';
import { rowsOf, secondsOf } from './live';
import { SharedRows } from './sharedRows';

export interface SeriesCost {
  /** UNet rows; null where no run can be made of some cell's settings. */
  readonly rows: number | null;
  /** Of as many runs by themselves. */
  readonly alone: number | null;
  /** null where no run of this model has been timed. */
  readonly seconds: number | null;
}

/** @param ref the id of the chosen model's ModelRef */
export function weighSeries(
  { cells }: SeriesPlan,
  { measured, model }: Pick<Job, 'measured' | 'model'>,
  fromImage: boolean,
  ref: string,
): SeriesCost {
  if (!model) return { rows: null, alone: null, seconds: null };
  const shared = new SharedRows(model, fromImage);
  const rows = cells.map(({ settings }) => shared.next(settings));
  const seconds = rows.map((own, at) =>
    own === null ? null : secondsOf(own, cells[at]!.settings, model, { measured }, ref),
  );
  const alone = cells.map(({ settings }) => rowsOf(settings, model, fromImage, settings.compare));
  return { rows: sum(rows), alone: sum(alone), seconds: sum(seconds) };
}

function sum(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce((all, one) => (all === null || one === null ? null : all + one), 0);
}
