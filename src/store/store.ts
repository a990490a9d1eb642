// The page's one store: settings, job, and the door to the engine. Only this file talks to the engine client.

import { create } from 'zustand';
import { EngineClient } from '../protocol/client';
import type { Settings } from '../protocol/messages';
import { IDLE, asked, reduce, type Job } from './job';
import { useModels } from './models';
import { recipeModel } from './runRecipe';
import { loadSettings, saveSettings } from './settings';

export type View = 'side' | 'wipe' | 'difference';

interface Store {
  readonly settings: Settings;
  readonly job: Job;
  readonly view: View;
  /** Applies a new version of the page; null where there is none. */
  readonly update: (() => void) | null;
  readonly offlineReady: boolean;
  readonly change: (changes: Partial<Settings>) => void;
  readonly setView: (view: View) => void;
  /** Fetches the model and warms it up. */
  readonly start: () => void;
  readonly generate: () => void;
  readonly cancel: () => void;
  readonly dismissError: () => void;
  readonly offerUpdate: (apply: () => void) => void;
  readonly noteOfflineReady: () => void;
}

const client = new EngineClient(() => new Worker(new URL('../engine/worker.ts', import.meta.url), { type: 'module', name: 'engine' }));

export const useStore = create<Store>()((set, get) => {
  client.subscribe((event) => set(({ job }) => ({ job: reduce(job, event) })));
  const model = () => useModels.getState().choice.ref;
  useModels.subscribe((now, before) => {
    if (now.choice !== before.choice) get().start();
  });
  return {
    settings: loadSettings(),
    job: IDLE,
    view: 'side',
    update: null,
    offlineReady: false,
    change: (changes) => {
      const settings = { ...get().settings, ...changes };
      set({ settings });
      saveSettings(settings);
    },
    setView: (view) => set({ view }),
    start: () => {
      useModels.getState().reopen();
      client.send({ type: 'load', model: model(), settings: get().settings });
    },
    generate: () => {
      const { settings } = get();
      const id = crypto.randomUUID();
      const { choice, stored } = useModels.getState();
      set(({ job }) => ({ job: asked(job, { id, model: recipeModel(choice, stored), settings }) }));
      client.send({ type: 'generate', runId: id, model: choice.ref, settings });
    },
    cancel: () => {
      const [run] = get().job.runs;
      if (run) client.send({ type: 'cancel', runId: run.id });
    },
    dismissError: () => set(({ job }) => ({ job: { ...job, error: null } })),
    offerUpdate: (update) => set({ update }),
    noteOfflineReady: () => set({ offlineReady: true }),
  };
});
