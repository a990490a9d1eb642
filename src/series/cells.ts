// A series: the cells of one or two axes over the same settings, and the order in which they run, so that what is
// dear to change changes least often. Where the axes are PAG's alone, cells may be compared with the image without PAG,
// which is the same for all and made once; else they are pictures with PAG alone.

import type { Settings } from '../settings/fields';
import type { AxisValue } from './axisKinds';
import { AXES, type AxisName } from './seriesAxes';

export interface AxisText {
  readonly name: AxisName;
  /** As it was typed. */
  readonly text: string;
}

export interface SeriesCell {
  readonly column: number;
  readonly row: number;
  readonly settings: Settings;
}

export interface SeriesPlan {
  readonly columns: readonly string[];
  /** One without a label where there is one axis. */
  readonly rows: readonly string[];
  /** In the order in which they run. */
  readonly cells: readonly SeriesCell[];
}

export const MOST_CELLS = 100;

/** @throws Error with a sentence for people: what cannot be read, or too many cells */
export function planSeries(base: Settings, across: AxisText, down: AxisText | null): SeriesPlan {
  if (down?.name === across.name) throw new Error('The two axes are the same: choose another one for the rows.');
  const columns = readAxis(across, base);
  const rows: AxisValue[] = down ? readAxis(down, base) : [{ label: '', settings: (settings) => settings }];
  const count = columns.length * rows.length;
  if (count > MOST_CELLS)
    throw new Error(`${count} pictures are too many for one series: ${MOST_CELLS} at most. Leave some values out.`);
  const isOfPag = AXES[across.name].ofPag && (down === null || AXES[down.name].ofPag);
  const alone = { ...base, compare: base.compare && isOfPag, images: 1 };
  const cell = (column: number, row: number): SeriesCell => ({
    column,
    row,
    // The columns' words are looked for in the prompt as it was typed, before the rows'.
    settings: rows[row]!.settings(columns[column]!.settings(alone)),
  });
  const isDownDearer = down !== null && AXES[down.name].cost > AXES[across.name].cost;
  const [outer, inner] = isDownDearer ? [rows.length, columns.length] : [columns.length, rows.length];
  const cells = Array.from({ length: count }, (_, at) => {
    const [slow, fast] = [Math.floor(at / inner) % outer, at % inner];
    return isDownDearer ? cell(fast, slow) : cell(slow, fast);
  });
  return { columns: columns.map(({ label }) => label), rows: rows.map(({ label }) => label), cells };
}

function readAxis({ name, text }: AxisText, base: Settings): AxisValue[] {
  try {
    return AXES[name].read(text, base);
  } catch (error) {
    throw new Error(`${AXES[name].label}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
