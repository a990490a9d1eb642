// The page's one store: settings, job, and the door to the engine. Only this file talks to the engine client.

import { create, type StateCreator } from 'zustand';
import { persist } from 'zustand/middleware';
import engineUrl from '../engine/worker.ts?worker&url';
import { ownFileError } from '../loading/loadError';
import { anotherAddress, whyNotStarted, workerUnderPagePolicy } from '../loading/loadScript';
import { EngineClient } from '../protocol/client';
import { toErrorData } from '../protocol/errors';
import type { ModelInfo } from '../protocol/loaded';
import type { RunExtent } from '../protocol/requests';
import type { Pixels } from '../protocol/pictureData';
import type { StepLatents } from '../protocol/runSteps';
import { sameShape } from '../settings/pictureShapes';
import { pictureSize } from '../settings/pictureSize';
import { fromStepOn, phasesOf, withoutLastChange } from '../settings/earlierSteps';
import { OF_ANOTHER_MODEL, RECIPE_NAMES, type Settings } from '../settings/fields';
import { takeLoraTags } from '../recipe/loraTags';
import { POCKET } from '../models/catalog';
import { newId, read, write } from './browser';
import { IDLE, asked, cancelled, chosen, reduce, showing, type Job, type Shown } from './job';
import { LIVE_SECONDS, LivePauses, liveOf, type Live, type LiveChoice } from './live';
import { readPrompt, useLoras } from './loras';
import type { Choice } from './choice';
import { named, useEmbeddings } from './embeddings';
import { useModels } from './models';
import { useStartImage } from './startImage';
import { withMask } from './startMask';
import { leftToGoOn } from './leftToGoOn';
import { recipeModel } from './runRecipe';
import { DEFAULTS, settingsPersistence } from './settings';
import { putBack, readFromModel, switchUsual, without, type Brought } from './modelSwitch';

export type View = 'side' | 'wipe' | 'difference' | 'series';

/** Whether the page will be there without a network, or why not. */
export type Offline = 'kept' | 'no-room' | 'no-room-for-update' | 'failed' | 'refused';

interface Store {
  readonly settings: Settings;
  readonly job: Job;
  readonly view: View;
  readonly live: LiveChoice;
  /** Applies a new version of the page; null where there is none. */
  readonly update: (() => void) | null;
  /** What is known of the page without a network; null until something is. */
  readonly offline: Offline | null;
  readonly openDialogs: number;
  /** What the model that was chosen last did to the settings; null where nothing, or where that was read. */
  readonly brought: Brought | null;
  readonly change: (changes: Partial<Settings>) => void;
  /** Looks at another image of a run of several. */
  readonly choose: (image: number) => void;
  readonly setView: (view: View) => void;
  readonly setLive: (on: boolean) => void;
  /** Fetches the model and warms it up. */
  readonly start: () => void;
  readonly generate: () => void;
  /** Makes the pair of other settings than the form has. @returns the run's id */
  readonly run: (settings: Settings) => string;
  /** What the form says holds from a step of the picture that is shown on, from 0; before it what made that. */
  readonly branch: (step: number) => void;
  /** The form says again what held before the last change on the way. */
  readonly endBranch: () => void;
  readonly cancel: () => void;
  /** Shows a pair that was finished earlier. */
  readonly show: (shown: Shown) => void;
  /**
   * The picture of a step's latents, by the model that is loaded and has this id.
   * @returns null where it is no longer wanted: `signal` was aborted, or a run came between
   * @throws EngineError
   */
  readonly decode: (modelId: string, latents: StepLatents, signal: AbortSignal) => Promise<Pixels | null>;
  /** Puts back what the model has set, sets what it has left to the visitor, or leaves all as it is. */
  readonly answerBrought: (answer: 'undo' | 'setAll' | 'keep') => void;
  readonly dismissError: () => void;
  readonly offerUpdate: (apply: () => void) => void;
  readonly noteOffline: (offline: Offline) => void;
  /** One more dialog is open, or one fewer. */
  readonly countDialog: (more: 1 | -1) => void;
}

interface Ask {
  /** Started by a setting that has moved. */
  readonly isLive?: boolean;
  /** Made though it is there already. */
  readonly anew?: boolean;
}

/** Between two letters of someone who types. */
const TYPING_MS = 150;
const ENGINE = new URL(engineUrl, import.meta.url).href;
const FROM_MODEL = 'pagoda.fromModel';
const LIVE = 'pagoda.live';

const client = new EngineClient({
  spawn: (name, again) => workerUnderPagePolicy(again ? anotherAddress(ENGINE) : ENGINE, name),
  explain: async () => {
    const why = await whyNotStarted(ENGINE);
    return why && toErrorData(ownFileError(why, 'worker-crashed', 'The engine'));
  },
  locks: (navigator as { readonly locks?: LockManager }).locks,
});

const withEngine: StateCreator<Store> = (set, get) => {
  client.subscribe((event) => {
    const before = get().job.model;
    set(({ job }) => ({ job: reduce(job, event) }));
    if (event.type === 'model-ready') {
      if (before && before.id !== event.model.id) keepShape(before, event.model);
      askFit();
      weigh();
    }
    if (event.type === 'done') pauses.ended();
  });
  /** A shape that was chosen is chosen of the next model too. */
  const keepShape = (before: ModelInfo, now: ModelInfo) => {
    const { width, height } = get().settings;
    if (width === 0 && height === 0) return;
    const size = sameShape(pictureSize({ width, height }, before.sizes), before, now);
    if (size) get().change({ width: size.width, height: size.height });
  };
  const askFit = () => {
    const {
      settings: { prompt, negativePrompt, emphasis },
      job,
    } = get();
    if (job.model) client.fit(takeLoraTags(prompt).text, negativePrompt, emphasis);
  };
  let asking: ReturnType<typeof setTimeout> | undefined;
  let weighing: ReturnType<typeof setTimeout> | undefined;
  const weigh = () => client.weigh(extentOf(get().settings));
  const model = () => useModels.getState().choice.ref;
  /** A model without an encoder makes it from noise, and the form says so. */
  const startOf = () => (get().job.model?.encodes === false ? undefined : useStartImage.getState().chosen?.image);
  /** What the engine is sent: words alone, and the LoRA that the prompt and the form name. */
  const forEngine = (settings: Settings) => {
    const { text, loras } = readPrompt(settings.prompt, useLoras.getState().loras);
    const { embeddings } = useEmbeddings.getState();
    const start = startOf();
    const earlier = settings.earlier.map((held) => ({ ...held, prompt: takeLoraTags(held.prompt).text }));
    const held = [{ ...settings, prompt: text }, ...earlier];
    const texts = held.flatMap(({ prompt, negativePrompt }) => [prompt, negativePrompt]);
    return {
      settings: { ...settings, prompt: text, earlier },
      loras,
      embeddings: named(embeddings, ...texts),
      start,
      files: {
        loras: loras.map(({ id, name, file, weight }) => ({ id, name, file, weight })),
        embeddings: embeddings.map(({ id, name, file }) => ({ id, name, file })),
        ...(start && { start }),
      },
    };
  };
  const ask = (settings: Settings, { isLive = false, anew = false }: Ask): string => {
    pauses.forget();
    const id = newId();
    const { choice } = useModels.getState();
    const { settings: sent, loras, embeddings, start, files } = forEngine(settings);
    const showsPreviews = (liveNow().seconds ?? Infinity) > LIVE_SECONDS;
    const live = isLive ? { live: { showsPreviews } } : {};
    const run = {
      id,
      model: recipeModel(choice),
      ref: choice.ref.id,
      settings,
      loras,
      embeddings,
      ...(start && { start: start.hash }),
      ...(start?.mask && { mask: start.mask.hash }),
      ...live,
    };
    set(({ job }) => ({ job: asked(job, run) }));
    const isPlain = loras.every(({ weight }) => weight === 0) && embeddings.length === 0 && !start;
    const left = isPlain ? leftToGoOn(get().job, run.model, (own) => forEngine(own).settings) : null;
    const how = { ...(anew && { anew }), ...(left && { left }) };
    client.generate(id, choice.ref, sent, files, how);
    return id;
  };
  const liveNow = () => liveOf(get().live, get().settings, get().job, model().id, startOf() !== undefined);
  const pauses = new LivePauses({
    busy: () => get().job.runs.length > 0,
    renew: () => {
      const { settings, job } = get();
      if (!liveNow().runs) return;
      const { hash: start, mask } = startOf() ?? {};
      const madeOf = (one: Settings | undefined, from: { start?: string; mask?: string } = {}) =>
        JSON.stringify([one, from.start ?? null, from.mask ?? null]);
      const now = madeOf(settings, { ...(start && { start }), ...(mask && { mask: mask.hash }) });
      const last = job.runs.at(-1);
      if (last && madeOf(last.settings, last) === now) return;
      for (const { id } of job.runs) client.cancel(id);
      if (madeOf(job.finished?.settings, job.finished?.recipe ?? {}) !== now) ask(settings, { isLive: true });
      else set({ job: { ...job, runs: job.runs.slice(0, 1) } });
    },
  });
  let fromModel = readFromModel(read(FROM_MODEL), POCKET.usual);
  const keepFromModel = (some: typeof fromModel) => {
    fromModel = some;
    write(FROM_MODEL, JSON.stringify(some));
  };
  const bringUsual = ({ name, usual }: Choice) => {
    if (!usual) return;
    const taken = switchUsual(get().settings, fromModel, name, usual);
    keepFromModel(taken.fromModel);
    get().change(taken.changes);
    set({ brought: taken.brought });
  };
  useModels.subscribe((now, before) => {
    if (now.choice === before.choice) return;
    const [{ ref }, { ref: last }] = [now.choice.vae?.own ?? now.choice, before.choice.vae?.own ?? before.choice];
    if (ref.id !== last.id) {
      get().change(OF_ANOTHER_MODEL);
      bringUsual(now.choice);
    }
    get().start();
  });
  useLoras.subscribe((now, before) => {
    // Another weight is merged when it is used.
    if (now.loras.length > before.loras.length) get().start();
  });
  useEmbeddings.subscribe((now, before) => {
    if (now.embeddings !== before.embeddings) get().start();
  });
  useStartImage.subscribe(({ chosen }, { chosen: before }) => {
    const madeOf = (one: typeof chosen) => `${one?.image.hash} ${one?.image.mask?.hash}`;
    if (madeOf(chosen) !== madeOf(before)) pauses.moved({});
  });
  return {
    settings: DEFAULTS,
    job: IDLE,
    view: 'side',
    live: readLive(),
    update: null,
    offline: null,
    openDialogs: 0,
    brought: null,
    change: (changes) => {
      const before = get().settings;
      const settings = { ...before, ...changes };
      set({ settings });
      pauses.moved(changes);
      if (get().job.model && JSON.stringify(extentOf(before)) !== JSON.stringify(extentOf(settings))) {
        clearTimeout(weighing);
        weighing = setTimeout(weigh, TYPING_MS);
      }
      const texts = ({ prompt, negativePrompt, emphasis }: Settings) => [emphasis, prompt, negativePrompt].join('\0');
      if (texts(before) === texts(settings)) return;
      clearTimeout(asking);
      asking = setTimeout(askFit, TYPING_MS);
    },
    choose: (image) => set(({ job }) => ({ job: chosen(job, image) })),
    setView: (view) => set({ view }),
    setLive: (on) => {
      const live = on ? 'on' : 'off';
      write(LIVE, live);
      set({ live });
      // What has moved since the last run is made now.
      pauses.moved({});
    },
    start: () => {
      useModels.getState().reopen();
      const { settings, files } = forEngine(get().settings);
      client.load(model(), settings, files);
    },
    generate: () => withMask(() => void ask(get().settings, { anew: true })),
    run: (settings) => ask(settings, {}),
    branch: (step) => {
      const { job, settings } = get();
      if (!job.shown) return;
      const changed = fromStepOn(job.shown.settings, step, settings);
      get().change(Object.fromEntries(RECIPE_NAMES.map((name) => [name, changed[name]])));
    },
    endBranch: () => get().change(withoutLastChange(get().settings)),
    cancel: () => {
      pauses.forget();
      const { runs } = get().job;
      set(({ job }) => ({ job: cancelled(job) }));
      for (const { id } of runs) client.cancel(id);
    },
    show: (shown) => set(({ job }) => ({ job: showing(job, shown) })),
    decode: (modelId, latents, signal) => client.decode(modelId, latents, signal),
    answerBrought: (answer) => {
      const { brought } = get();
      if (!brought) return;
      if (answer === 'undo') {
        keepFromModel(without(fromModel, brought.set));
        get().change(putBack(get().settings, brought));
      } else if (answer === 'setAll') {
        keepFromModel({ ...fromModel, ...brought.kept });
        get().change(brought.kept);
      }
      set({ brought: null });
    },
    dismissError: () => set(({ job }) => ({ job: { ...job, error: null } })),
    offerUpdate: (update) => set({ update }),
    noteOffline: (offline) => set({ offline }),
    countDialog: (more) => set(({ openDialogs }) => ({ openDialogs: openDialogs + more })),
  };
};

/** What a run has at once; a scale as 1 or 0 where it is on or off, since no more hangs on it. */
function extentOf({ compare, width, height, ...held }: Settings): RunExtent {
  const phases = phasesOf(held);
  const guidanceScale = phases.some((phase) => phase.guidanceScale > 1) ? 2 : 1;
  return { compare, guidanceScale, pagScale: Math.sign(Math.max(...phases.map((one) => one.pagScale))), width, height };
}

function readLive(): LiveChoice {
  const stored = read(LIVE);
  return stored === 'on' || stored === 'off' ? stored : 'auto';
}

export const useStore = create<Store>()(persist(withEngine, settingsPersistence()));

/** Live mode as it stands. */
export function useLive(): Live {
  const choice = useStore((store) => store.live);
  const settings = useStore((store) => store.settings);
  const measured = useStore((store) => store.job.measured);
  const info = useStore((store) => store.job.model);
  const error = useStore((store) => store.job.error);
  const ref = useModels((models) => models.choice.ref.id);
  return liveOf(choice, settings, { measured, model: info, error }, ref, useFromImage());
}

/** Whether a run begins from an image. */
export function useFromImage(): boolean {
  const isChosen = useStartImage((store) => store.chosen !== null);
  const encodes = useStore((store) => store.job.model?.encodes ?? true);
  return isChosen && encodes;
}
