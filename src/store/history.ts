// The history slice: each finished pair is kept, found again, shown and put back with its settings. What a moving
// slider makes in one go is one entry, the last. Where there is no room the oldest without a star make it, and it is
// said; a browser that keeps nothing keeps it for this visit.

import { create } from 'zustand';
import {
  bytesOf,
  inOrder,
  matches,
  oldestUnstarred,
  withTooManySteps,
  withoutSteps,
  type HistoryEntry,
  type KeptRun,
} from '../history/entry';
import { openTables, type HistoryTables } from '../history/historyTables';
import { zipFiles } from '../history/zip';
import type { RgbaPixels } from '../image/pixels';
import { decodePng, pictureName } from '../image/png';
import { sleep } from '../loading/sleep';
import { parseRecipe } from '../recipe/recipe';
import type { Pair } from '../protocol/pictureData';
import { read as readStored, write } from './browser';
import type { Shown } from './job';
import { keptRun } from './keptRun';
import { useModels } from './models';
import { takeOver, useRecipes } from './recipeSlice';
import { download } from './saveFile';
import { eachImage } from './shownImages';
import { useStore } from './store';

export { bytesOf, matches, type HistoryEntry };

export interface Said {
  readonly text: string;
  /** Takes back what was just done; null where it cannot be. */
  readonly undo: (() => void) | null;
}

interface History {
  /** Newest first; null until they are read. */
  readonly entries: readonly HistoryEntry[] | null;
  readonly said: Said | null;
  /** Whether its strip is open. */
  readonly isOpen: boolean;
  readonly setOpen: (isOpen: boolean) => void;
  /** Shows its pictures and sets the form to what made them. */
  readonly restore: (entry: HistoryEntry) => Promise<void>;
  readonly star: (entry: HistoryEntry, starred: boolean) => Promise<void>;
  readonly remove: (entry: HistoryEntry) => Promise<void>;
  readonly saveAll: (entries: readonly HistoryEntry[]) => Promise<void>;
  readonly thumbnail: (entry: HistoryEntry) => Promise<Blob | null>;
  /** With PAG; null where it is gone. */
  readonly picture: (id: string) => Promise<RgbaPixels | null>;
  readonly dismiss: () => void;
}

const OPEN = 'pagoda.historyOpen';
const VISIT_ONLY = 'This browser stores nothing here, as in a private window: the history lasts for this visit.';
const NO_ROOM = 'There is no room to keep this picture: save it, delete some of the history, or delete a model.';
const GONE = 'The browser has deleted this picture.';
/** How often room is made for one picture: what a browser does not give back at once must not cost all of them. */
const ROUNDS = 3;
const GIVEN_BACK_MS = 300;
const NEVER = new AbortController().signal;

export const useHistory = create<History>()((set, get) => {
  const tables: Promise<HistoryTables> = openTables();
  /** Other tabs are told of what changes here, and tell. */
  const others = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('pagoda.history');
  /** One change at a time, in the order in which they were asked for. */
  let last: Promise<void> = Promise.resolve();
  const inTurn = (change: (tables: HistoryTables) => Promise<void>): Promise<void> => {
    last = last
      .then(async () => change(await tables))
      .catch((error: unknown) => say(`The history does not answer: ${String(error)}`));
    return last;
  };
  const say = (text: string, undo: Said['undo'] = null) => set({ said: { text, undo } });
  const read = () =>
    inTurn(async (open) => {
      const { entries, damaged } = await open.list();
      set({ entries });
      if (damaged > 0) say(`${damaged} of the history could not be read any more and was left out.`);
    });
  const changed = (entries: readonly HistoryEntry[]) => {
    set({ entries: inOrder(entries) });
    others?.postMessage('changed');
  };
  const without = (gone: readonly HistoryEntry[]) =>
    (get().entries ?? []).filter(({ id }) => gone.every((entry) => entry.id !== id));

  /** @param replaced what this one takes the place of */
  const keep = async (open: HistoryTables, run: KeptRun, replaced: HistoryEntry | null): Promise<void> => {
    if (replaced) {
      await open.remove([replaced.id]);
      changed(without([replaced]));
    }
    const gone = await putWithRoom(
      open,
      run,
      () => get().entries ?? [],
      (oldest) => changed(without(oldest)),
    );
    if (gone === null) {
      say(NO_ROOM);
      return;
    }
    if (gone > 0) {
      const many = gone === 1 ? 'The oldest picture' : `The ${gone} oldest pictures`;
      say(`${many} without a star went from the history to make room.`);
    }
    changed([...without([run.entry]), run.entry]);
    const tooMany = withTooManySteps(get().entries ?? []);
    if (tooMany.length > 0) {
      const lighter = tooMany.map(withoutSteps);
      await open.dropSteps(lighter);
      changed([...without(lighter), ...lighter]);
    }
    if (!open.lasts && get().entries?.length === 1) say(VISIT_ONLY);
  };

  let ofLive: string | null = null;
  /** What is kept of the run that was finished last. */
  let of: { readonly runId: string; readonly made: number; readonly ids: Set<string> } = {
    runId: '',
    made: 0,
    ids: new Set(),
  };
  useStore.subscribe(({ job }, { job: before }) => {
    const { finished } = job;
    if (!finished || finished === before.finished || !before.runs.some(({ id }) => id === finished.runId)) return;
    const replacedId = job.live ? ofLive : null;
    ofLive = job.live ? finished.runId : null;
    if (of.runId !== finished.runId) of = { runId: finished.runId, made: Date.now(), ids: new Set() };
    const { made, ids } = of;
    // Of several images each is kept as soon as it is finished.
    const more = eachImage(finished).filter(({ runId }) => !ids.has(runId));
    for (const { runId } of more) ids.add(runId);
    void inTurn(async (open) => {
      const replaced = get().entries?.find(({ id, starred }) => id === replacedId && !starred) ?? null;
      for (const one of more) {
        // Newest first is then the order of their seeds.
        const run = await keptRun(one, made - (one.recipe?.batch?.position ?? 0));
        if (run) await keep(open, run, one.runId === finished.runId ? replaced : null);
      }
    });
  });
  others?.addEventListener('message', () => void read());
  void read();

  return {
    entries: null,
    said: null,
    isOpen: readStored(OPEN) === 'yes',
    setOpen: (isOpen) => {
      write(OPEN, isOpen ? 'yes' : null);
      set({ isOpen });
    },
    restore: (entry) =>
      inTurn(async (open) => {
        const pictures = await open.pictures(entry.id);
        if (!pictures) {
          say(GONE);
          return;
        }
        const [withPag, withoutPag] = await Promise.all([
          decodePng(pictures.withPag),
          pictures.withoutPag && decodePng(pictures.withoutPag),
        ]);
        const { job, settings: before, show, change } = useStore.getState();
        const opened = takeOver('this picture', { ...parseRecipe(entry.recipe), problems: [] });
        const steps = await open.steps(entry.id);
        const shown = shownOf(entry, { withPag, withoutPag }, opened.otherModel !== null);
        show({ ...shown, ...(steps && { left: steps.images, steps: steps.traces }) });
        // What could be taken over needs no more words.
        const isWhole = opened.notRestored.length === 0 && opened.otherModel === null;
        useRecipes.setState({ opened: isWhole ? null : opened });
        say('The settings are those of this picture.', () => {
          change(before);
          if (job.finished) show(job.finished);
          set({ said: null });
        });
      }),
    star: (entry, starred) =>
      inTurn(async (open) => {
        const now = { ...entry, starred };
        await open.star(now);
        changed([...without([entry]), now]);
      }),
    remove: (entry) =>
      inTurn(async (open) => {
        const [pictures, thumbnail] = [await open.pictures(entry.id), await open.thumbnail(entry.id)];
        const steps = await open.steps(entry.id);
        await open.remove([entry.id]);
        changed(without([entry]));
        const undo = () => {
          set({ said: null });
          if (pictures && thumbnail) void inTurn((again) => keep(again, { entry, pictures, thumbnail, steps }, null));
        };
        say('Deleted.', pictures && thumbnail ? undo : null);
      }),
    saveAll: (entries) =>
      inTurn(async (open) => {
        const files = entries.flatMap((entry) => {
          const { recipe, made, id, isPair } = entry;
          const { prompt, seed } = recipe.settings;
          const stem = `${timeName(made)} ${pictureName(prompt, seed)}`;
          const file = (ending: string, which: 'withPag' | 'withoutPag') => ({
            name: `${stem}${ending}.png`,
            made,
            read: async () => (await open.pictures(id))?.[which] ?? null,
          });
          return [file('', 'withPag'), ...(isPair ? [file(' without PAG', 'withoutPag')] : [])];
        });
        download(await zipFiles(files), `pagoda ${timeName(Date.now())}.zip`);
      }),
    thumbnail: async ({ id }) => (await tables).thumbnail(id),
    picture: async (id) => {
      const pictures = await (await tables).pictures(id);
      return pictures && decodePng(pictures.withPag);
    },
    dismiss: () => set({ said: null }),
  };
});

/**
 * Puts a run into the tables. Where there is no room the oldest without a star make it: each time as much as four of
 * this run, and a tenth of all.
 * @returns how many went; null where there is no room all the same
 */
async function putWithRoom(
  open: HistoryTables,
  run: KeptRun,
  entries: () => readonly HistoryEntry[],
  onGone: (gone: readonly HistoryEntry[]) => void,
): Promise<number | null> {
  let gone = 0;
  for (let round = 0; ; round += 1) {
    try {
      await open.put(run);
      return gone;
    } catch (error) {
      if (!isQuota(error)) throw error;
    }
    const tenth = bytesOf(entries()) / 10;
    const oldest = oldestUnstarred(entries(), Math.max(4 * run.entry.bytes, tenth));
    if (round === ROUNDS || oldest.length === 0) return null;
    await open.remove(oldest.map(({ id }) => id));
    onGone(oldest);
    gone += oldest.length;
    await sleep(GIVEN_BACK_MS, NEVER);
  }
}

/** As if its run had just ended; the form has its settings already. */
function shownOf({ id: runId, recipe, stats }: HistoryEntry, pair: Pair, isOfOtherModel: boolean): Shown {
  const { width, height } = pair.withPag;
  return {
    runId,
    ref: isOfOtherModel ? recipe.model.id : useModels.getState().choice.ref.id,
    settings: { ...useStore.getState().settings, compare: pair.withoutPag !== null },
    pair,
    size: { width, height },
    stats,
    recipe,
  };
}

function isQuota(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'QuotaExceededError';
}

/** `2026-11-30 061904`, in the visitor's time: sorted by name is sorted by time, on every file system. */
function timeName(time: number): string {
  const date = new Date(time);
  const two = (part: number) => String(part).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join('')}`;
}
