// The series slice: one run a cell, one after the other, each a picture of the history. It can be paused, and goes on
// after a reload: what is stored is the axes, the settings that they were laid over, and what became of each cell. A
// cell that fails costs that cell.

import { create } from 'zustand';
import type { AxisText, SeriesPlan } from '../series/cells';
import { planSeries } from '../series/cells';
import type { Axis } from '../series/axisKinds';
import { AXES, isAxisName, type AxisName } from '../series/seriesAxes';
import { withLoraTags } from '../recipe/loraTags';
import { gridPicture } from '../image/gridPicture';
import { meanDifference } from '../image/meanDifference';
import { pictureName } from '../image/png';
import type { Settings } from '../settings/fields';
import { asRecord } from '../settings/pagOptions';
import type { SiteInfo } from '../protocol/loaded';
import { read, write } from './browser';
import { useHistory } from './history';
import type { Job } from './job';
import { useLoras } from './loras';
import { useModels } from './models';
import { recipeModel } from './runRecipe';
import { download, withRecipe } from './saveFile';
import { readSettings } from './settings';
import { useStartImage } from './startImage';
import { withMask } from './startMask';
import { useStore } from './store';

export { AXES };
export type { AxisName };
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
  /** The start image, its mask and the LoRA, which a reload loses; as a text, to be compared. */
  readonly files: string;
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
    if (filesInUse() !== series.files) {
      update({ phase: 'paused', why: OTHER_FILES });
      return;
    }
    running = { id: useStore.getState().run(series.plan.cells[at]!.settings), at };
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
      const base = baseOf(useStore.getState().settings, across, down);
      const plan = planSeries(base, across, down);
      const outcomes = plan.cells.map(() => null);
      withMask(() => {
        running = null;
        const madeOf = { base, across, down, plan, model: chosenModel(), files: filesInUse() };
        set({ series: { ...madeOf, outcomes, phase: 'running', why: null } });
        update({});
        next();
      });
    },
    beginOverLayers: () => {
      const { job, setView } = useStore.getState();
      if (!job.model) return;
      get().setAxes({ across: { name: 'layers', text: layersOneByOne(job.model.sites).join(', ') }, down: null });
      get().begin();
      setView('series');
    },
    pause: () => update({ phase: 'paused', why: null }),
    goOn: () =>
      withMask(() => {
        const outcomes = get().series?.outcomes.map((one) => (one && 'failed' in one ? null : one)) ?? [];
        update({ phase: 'running', why: null, outcomes });
        next();
      }),
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

/** What runs begin with. */
export type Begins = 'noise' | 'start image' | 'mask';

/** Why every cell of an axis would be the same, as a sentence; null where they differ. */
export function uselessAxis(name: AxisName, begins: Begins): string | null {
  const { needs, label }: Axis = AXES[name];
  if (needs === undefined || begins === 'mask' || needs === begins) return null;
  return `${label}: there is no ${needs}, and every picture would be the same.`;
}

/** The plan of these axes over these settings, or why there is none. */
export function planOf(
  base: Settings,
  across: AxisText,
  down: AxisText | null,
  begins: Begins,
): {
  readonly plan: SeriesPlan | null;
  readonly why: string;
} {
  const useless = [across, down].flatMap((axis) => (axis && uselessAxis(axis.name, begins)) ?? []);
  if (useless.length > 0) return { plan: null, why: useless.join(' ') };
  try {
    return { plan: planSeries(baseOf(base, across, down), across, down), why: '' };
  } catch (error) {
    return { plan: null, why: error instanceof Error ? error.message : String(error) };
  }
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

function labelThere(name: AxisName): string {
  const { label, a1111 = label }: Axis = AXES[name];
  return a1111;
}

/** As A1111 ends the infotext of a grid. */
function xyzText(across: AxisText, down: AxisText | null): string {
  const axis = (letter: string, { name, text }: AxisText) =>
    `${letter} Type: ${labelThere(name)}, ${letter} Values: ${JSON.stringify(text)}`;
  return [`Script: X/Y/Z plot`, axis('X', across), ...(down ? [axis('Y', down)] : [])].join(', ');
}

const OTHER_FILES =
  'It was begun with another start image, mask or LoRA than those that are in use now, which a reload loses: ' +
  'choose the same again to go on.';

function filesInUse(): string {
  return filesOf(useLoras.getState().loras, useStartImage.getState().chosen);
}

function filesOf(
  loras: readonly { readonly name: string; readonly weight: number }[],
  start: { readonly image: { readonly hash: string; readonly mask?: { readonly hash: string } } } | null,
): string {
  const used = loras
    .map(({ name, weight }) => [name, weight] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([start?.image.hash ?? null, start?.image.mask?.hash ?? null, used]);
}

/** What cells are laid over: an axis of LoRA weights changes the tags of those in use. */
function baseOf(settings: Settings, across: AxisText, down: AxisText | null): Settings {
  const isOfLoras = across.name === 'loraWeight' || down?.name === 'loraWeight';
  return isOfLoras ? { ...settings, prompt: withLoraTags(settings.prompt, useLoras.getState().loras) } : settings;
}

function chosenModel(): string {
  return recipeModel(useModels.getState().choice).id;
}

function keep(series: SeriesRun | null): void {
  const { base, across, down, model, files, outcomes } = series ?? {};
  write(KEY, series && JSON.stringify({ base, across, down, model, files, outcomes }));
}

/** null where there is none, or one that is damaged or of another version. */
function readSeries(): SeriesRun | null {
  const { base: stored, across, down, model, files, outcomes: kept } = parse(read(KEY));
  const [columns, rows] = [readAxis(across), down === null ? null : readAxis(down)];
  if (!columns || (down !== null && !rows) || typeof model !== 'string' || !Array.isArray(kept)) return null;
  try {
    const base = readSettings(stored);
    const plan = planSeries(base, columns, rows);
    const outcomes = plan.cells.map((_, at) => readOutcome(kept[at]));
    const phase = outcomes.includes(null) ? 'paused' : 'done';
    const of = typeof files === 'string' ? files : filesOf([], null);
    return { base, across: columns, down: rows, plan, model, files: of, outcomes, phase, why: null };
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
