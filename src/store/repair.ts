// The preset for repairing a picture: no text, no CFG, PAG alone. It replaces settings, so it can be undone, as far as
// they were not changed since.

import { create } from 'zustand';
import { FIELDS, type Settings } from '../settings/fields';
import { useStore } from './store';

type Some = Partial<Settings>;

interface RepairStore {
  /** What it has set last, until that is undone or kept. */
  readonly repaired: { readonly set: Some; readonly before: Some; readonly text: string } | null;
  readonly repair: () => void;
  readonly undo: () => void;
  readonly keep: () => void;
}

export const useRepair = create<RepairStore>()((set, get) => ({
  repaired: null,
  repair: () => {
    const { settings, change } = useStore.getState();
    const wanted = {
      prompt: '',
      guidanceScale: 1,
      ...(settings.pagScale === 0 && { pagScale: FIELDS.pagScale.initial }),
    };
    const names = (Object.keys(wanted) as (keyof typeof wanted)[]).filter((name) => settings[name] !== wanted[name]);
    const pick = (from: Some): Some => Object.fromEntries(names.map((name) => [name, from[name]]));
    const words = { prompt: 'no prompt', guidanceScale: 'CFG scale 1', pagScale: `PAG scale ${wanted.pagScale}` };
    const text = names.map((name) => words[name]).join(', ') || 'it was so already';
    change(pick(wanted));
    set({ repaired: { set: pick(wanted), before: pick(settings), text } });
  },
  undo: () => {
    const { repaired } = get();
    const { settings, change } = useStore.getState();
    const { set: own = {}, before = {} } = repaired ?? {};
    const unchanged = (Object.keys(own) as (keyof Settings)[]).filter((name) => settings[name] === own[name]);
    change(Object.fromEntries(unchanged.map((name) => [name, before[name]])));
    set({ repaired: null });
  },
  keep: () => set({ repaired: null }),
}));
