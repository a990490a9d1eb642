// The series slice: one run a cell, one after the other, each a picture of the history. It can be paused, and goes on
// after a reload: what is stored is the axes, the settings that they were laid over, and what became of each cell. A
// cell that fails costs that cell.

import { create } from 'zustand';
import type { AxisText, SeriesPlan } from '../series/cells';
import { planSeries } from '../series/cells';
import { AXES, isAxisName } from '../series/seriesAxes';
import { gridPicture } from '../image/gridPicture';
import { meanDifference } from '../image/meanDifference';
import { pictureName } from '../image/png';
import type { Settings } from '../settings/fields';
import { asRecord } from '../settings/pagOptions';
import type { SiteInfo } from '../protocol/messages';
import { read, write } from './browser';
import { useHistory } from './history';
import type { Job } from './job';
import { rowsOf, secondsOf } from './live';
import { useModels } from './models';
import { SharedRows } from './sharedRows';
import { recipeModel } from './runRecipe';
import { download, withRecipe } from './saveFile';
import { readSettings } from './settings';
import { useStore } from './store';

export { AXES };
export type { AxisName } from '../series/seriesAxes';
export type { AxisText };

/** Of a cell: the id of its run, which is its entry in the history, or why it failed; null where it is to come. */
export type CellOutcome =
  /** `change`: how far from the image without PAG, in levels of 255; absent where that was not made. */
  { readonly id: string; readonly change?: number } | { readonly failed: string } | null;

export interface SeriesRun {
  readonly base: Settings;
  readonly across: AxisText;
  readonly down: AxisText | null;
  readonly plan: SeriesPlan;
  /** As recipes name it. */
  readonly model: string;
  readonly outcomes: readonly CellOutcome[];
  readonly phase: 'running' | 'paused' | 'done';
  /** Why it does not go on, as a sentence; null where that is plain. */
  readonly why: string | null;
}

interface SeriesStore {
  /** As the form has them. */
  readonly across: AxisText;
  readonly down: AxisText | null;
  readonly series: SeriesRun | null;
  readonly setAxes: (axes: { readonly across?: AxisText; readonly down?: AxisText | null }) => void;
  /** Over the settings of the form. @throws Error with a sentence for people */
  readonly begin: () => void;
  /** Over the model's self-attentions, each alone; its blocks where it has many. */
  readonly beginOverLayers: () => void;
  /** When the cell that runs is done. */
  readonly pause: () => void;
  readonly goOn: () => void;
  /** All of its pictures as one, with labels, and in it the settings that they were laid over. */
  readonly save: () => Promise<void>;
  /** The pictures stay in the history. */
  readonly discard: () => void;
}

const KEY = 'pagoda.series';
const AXES_KEY = 'pagoda.seriesAxes';
const FIRST: AxisText = { name: 'pagScale', text: '0, 1, 2, 4' };

export const useSeries = create<SeriesStore>()((set, get) => {
  /** The run of the cell that is made now. */
  let running: { readonly id: string; readonly at: number } | null = null;
  const update = (changes: Partial<SeriesRun>) => {
    const { series } = get();
    if (!series) return;
    const now = { ...series, ...changes };
    set({ series: now });
    keep(now);
  };
  const settle = (at: number, outcome: CellOutcome) =>
    update({ outcomes: get().series!.outcomes.map((before, index) => (index === at ? outcome : before)) });
  const next = () => {
    const { series } = get();
    if (series?.phase !== 'running' || running) return;
    const at = series.outcomes.findIndex((outcome) => outcome === null);
    if (at < 0) {
      update({ phase: 'done' });
      return;
    }
    // Another run that was asked for goes first.
    if (useStore.getState().job.runs.length > 0) return;
    if (chosenModel() !== series.model) {
      update({ phase: 'paused', why: `It was begun with the model ${series.model}: choose that again to go on.` });
      return;
    }
    running = { id: useStore.getState().run(series.plan.cells[at]!.settings, false), at };
  };
  useStore.subscribe(({ job }) => {
    if (running && job.runs.every(({ id }) => id !== running!.id)) {
      const { id, at } = running;
      running = null;
      if (get().series) end(job, id, at);
    }
    if (job.runs.length === 0) queueMicrotask(next);
  });
  const end = (job: Job, id: string, at: number) => {
    if (job.finished?.runId === id) {
      const { withPag, withoutPag } = job.finished.pair;
      const change = withoutPag && meanDifference(withoutPag, withPag);
      settle(at, { id, ...(change !== null && { change }) });
    } else if (job.error) {
      const isSecond = asRecord(get().series!.outcomes[at - 1])['failed'] === job.error.message;
      settle(at, { failed: job.error.message });
      // What fails twice in a row in the same way will fail with the others too.
      if (isSecond) update({ phase: 'paused', why: 'Two pictures in a row could not be made.' });
    } else update({ phase: 'paused', why: null });
  };
  return {
    ...readAxes(),
    series: readSeries(),
    setAxes: (axes) => {
      set(axes);
      const { across, down } = get();
      write(AXES_KEY, JSON.stringify({ across, down }));
    },
    begin: () => {
      const { across, down } = get();
      const base = useStore.getState().settings;
      const plan = planSeries(base, across, down);
      const outcomes = plan.cells.map(() => null);
      running = null;
      set({ series: { base, across, down, plan, model: chosenModel(), outcomes, phase: 'running', why: null } });
      update({});
      next();
    },
    beginOverLayers: () => {
      const { job, setView } = useStore.getState();
      if (!job.model) return;
      get().setAxes({ across: { name: 'layers', text: layersOneByOne(job.model.sites).join(', ') }, down: null });
      get().begin();
      setView('series');
    },
    pause: () => update({ phase: 'paused', why: null }),
    goOn: () => {
      const outcomes = get().series?.outcomes.map((one) => (one && 'failed' in one ? null : one)) ?? [];
      update({ phase: 'running', why: null, outcomes });
      next();
    },
    save: async () => {
      const { series } = get();
      if (series) await saveGrid(series);
    },
    discard: () => {
      running = null;
      set({ series: null });
      keep(null);
    },
  };
});

/** More self-attentions than these are taken by the block. */
const MOST_SITES = 24;

function layersOneByOne(sites: readonly SiteInfo[]): string[] {
  if (sites.length <= MOST_SITES) return sites.map(({ comfyName }) => comfyName);
  const blocks = sites.map(({ name }) => /^(down|up)_blocks\.(\d+)\./.exec(name));
  return [...new Set(blocks.map((block) => (block ? `${block[1]}.block_${block[2]}` : 'mid')))];
}

/** The plan of these axes over these settings, or why there is none. */
export function planOf(
  base: Settings,
  across: AxisText,
  down: AxisText | null,
): {
  readonly plan: SeriesPlan | null;
  readonly why: string;
} {
  try {
    return { plan: planSeries(base, across, down), why: '' };
  } catch (error) {
    return { plan: null, why: error instanceof Error ? error.message : String(error) };
  }
}

export interface SeriesCost {
  /** UNet rows; null where no run can be made of some cell's settings. */
  readonly rows: number | null;
  /** Of as many runs by themselves. */
  readonly alone: number | null;
  /** null where no run of this model has been timed. */
  readonly seconds: number | null;
}

function plus(sum: number | null, more: number | null): number | null {
  return sum === null || more === null ? null : sum + more;
}

/** What a series of these axes takes: cells, UNet rows, seconds where a run of this model has been timed. */
export function weighSeries(
  plan: SeriesPlan,
  { measured, model }: Pick<Job, 'measured' | 'model'>,
  fromImage: boolean,
): SeriesCost {
  const ref = useModels.getState().choice.ref.id;
  let [rows, alone, seconds]: [number | null, number | null, number | null] = [0, 0, 0];
  const shared = model && new SharedRows(model, fromImage);
  for (const { settings } of plan.cells) {
    const own: number | null = shared && shared.next(settings);
    const time = model && own !== null ? secondsOf(own, settings, model, { measured }, ref) : null;
    rows = plus(rows, own);
    alone = plus(alone, model && rowsOf(settings, model, fromImage, settings.compare));
    seconds = plus(seconds, time);
  }
  return { rows, alone, seconds };
}

async function saveGrid({ plan, outcomes, across, down }: SeriesRun): Promise<void> {
  const { picture, entries } = useHistory.getState();
  const idAt = (column: number, row: number) => {
    const outcome = outcomes[plan.cells.findIndex((cell) => cell.column === column && cell.row === row)];
    return outcome && 'id' in outcome ? outcome.id : null;
  };
  const png = await gridPicture({
    columns: plan.columns.map((label) => `${AXES[across.name].label} ${label}`),
    rows: plan.rows.map((label) => (down ? `${AXES[down.name].label} ${label}` : label)),
    picture: async (column, row) => {
      const id = idAt(column, row);
      return id === null ? null : picture(id);
    },
  });
  const ids = plan.cells.map(({ column, row }) => idAt(column, row));
  const first = entries?.find(({ id }) => ids.includes(id));
  if (!png || !first) return;
  const { prompt, seed } = first.recipe.settings;
  const name = `${pictureName(prompt, seed)}-series.png`;
  download(await withRecipe(png, first.recipe, xyzText(across, down)), name);
}

/** As A1111 ends the infotext of a grid. */
function xyzText(across: AxisText, down: AxisText | null): string {
  const axis = (letter: string, { name, text }: AxisText) =>
    `${letter} Type: ${AXES[name].label}, ${letter} Values: ${JSON.stringify(text)}`;
  return [`Script: X/Y/Z plot`, axis('X', across), ...(down ? [axis('Y', down)] : [])].join(', ');
}

function chosenModel(): string {
  return recipeModel(useModels.getState().choice).id;
}

function keep(series: SeriesRun | null): void {
  const { base, across, down, model, outcomes } = series ?? {};
  write(KEY, series && JSON.stringify({ base, across, down, model, outcomes }));
}

/** null where there is none, or one that is damaged or of another version. */
function readSeries(): SeriesRun | null {
  const { base: stored, across, down, model, outcomes: kept } = parse(read(KEY));
  const [columns, rows] = [readAxis(across), down === null ? null : readAxis(down)];
  if (!columns || (down !== null && !rows) || typeof model !== 'string' || !Array.isArray(kept)) return null;
  try {
    const base = readSettings(stored);
    const plan = planSeries(base, columns, rows);
    const outcomes = plan.cells.map((_, at) => readOutcome(kept[at]));
    const phase = outcomes.includes(null) ? 'paused' : 'done';
    return { base, across: columns, down: rows, plan, model, outcomes, phase, why: null };
  } catch {
    return null;
  }
}

function readOutcome(value: unknown): CellOutcome {
  const { id, change, failed } = asRecord(value);
  if (typeof id === 'string') return { id, ...(typeof change === 'number' && { change }) };
  return typeof failed === 'string' ? { failed } : null;
}

function readAxes(): Pick<SeriesStore, 'across' | 'down'> {
  const { across, down } = parse(read(AXES_KEY));
  return { across: readAxis(across) ?? FIRST, down: readAxis(down) };
}

function readAxis(value: unknown): AxisText | null {
  const { name, text } = asRecord(value);
  return isAxisName(name) && typeof text === 'string' ? { name, text: text.slice(0, 2000) } : null;
}

function parse(text: string | null): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(text ?? ''));
  } catch {
    return {};
  }
}
