import { beforeEach, expect, test, vi } from 'vitest';
import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import type { Settings } from '../settings/fields';
import { DEFAULTS, settingsPersistence } from './settings';

const KEY = 'pagoda.settings';
const storage = new Map<string, string>();

beforeEach(() => {
  storage.clear();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => storage.set(key, value),
  });
});

/** A tab: what it shows at first, and a way to change it. */
function open(): { settings: () => Settings; change: (changes: Partial<Settings>) => void } {
  const use = create(persist(() => ({ settings: DEFAULTS, other: 0 }), settingsPersistence()));
  return {
    settings: () => use.getState().settings,
    change: (changes) => use.setState(({ settings }) => ({ settings: { ...settings, ...changes } })),
  };
}

const reloaded = (stored: unknown) => {
  storage.set(KEY, JSON.stringify(stored));
  return open().settings();
};

test.each([null, undefined, 5, 'x', [], {}])('from %j come the defaults', (stored) => {
  expect(reloaded(stored ?? null)).toEqual(DEFAULTS);
});

test('one wrong field costs that field only', () => {
  const stored = {
    ...DEFAULTS,
    prompt: 'frog',
    seed: 'x',
    steps: 1e9,
    scheduler: 'toString',
    sigmas: 'constructor',
    spacing: 3,
    compare: 'yes',
    backend: 'wasm',
  };
  expect(reloaded(stored)).toEqual({ ...DEFAULTS, prompt: 'frog', steps: 150, backend: 'wasm' });
});

test('what was saved comes back', () => {
  const own = {
    ...DEFAULTS,
    prompt: 'a',
    negativePrompt: 'b',
    layers: 'd0',
    seed: 1,
    steps: 3,
    guidanceScale: 2.5,
    pagScale: 0,
    scheduler: 'euler',
    sigmas: 'karras',
    spacing: 'trailing',
    compare: false,
  } as const;
  open().change(own);
  expect(open().settings()).toEqual(own);
});

test('what visitors have from before there was a version survives, and stays', () => {
  const own = { ...DEFAULTS, prompt: 'of long ago', steps: 9 };
  storage.set(KEY, JSON.stringify({ ...own, sigmas: undefined, karras: true }));
  const tab = open();
  expect(tab.settings()).toEqual({ ...own, sigmas: 'karras' });
  tab.change({ seed: 3 });
  expect(open().settings()).toEqual({ ...own, sigmas: 'karras', seed: 3 });
  expect(JSON.parse(storage.get(KEY) ?? '')).toMatchObject({ version: 1, sigmas: 'karras' });
});

test("a stored flag of older versions for Karras' spacing is taken over, but not over a newer choice", () => {
  expect(reloaded({ karras: true }).sigmas).toBe('karras');
  expect(reloaded({ karras: false }).sigmas).toBe(DEFAULTS.sigmas);
  expect(reloaded({ karras: true, sigmas: 'beta' }).sigmas).toBe('beta');
});

test('each tab writes what it changed alone, and a reload has the newest of each field', () => {
  const [one, other, idle] = [open(), open(), open()];
  one.change({ prompt: 'of one tab', seed: 1 });
  other.change({ steps: 9, seed: 2 });
  idle.change({});
  one.change({ pag: { ...DEFAULTS.pag, attenuation: 5 } });
  other.change({ pag: { ...DEFAULTS.pag, guidanceRescale: 0.7 } });
  expect(open().settings()).toEqual({
    ...DEFAULTS,
    prompt: 'of one tab',
    steps: 9,
    seed: 2,
    pag: { ...DEFAULTS.pag, attenuation: 5, guidanceRescale: 0.7 },
  });
  // Back to what it was is a change too.
  other.change({ steps: DEFAULTS.steps });
  expect(open().settings().steps).toBe(DEFAULTS.steps);
  storage.set(KEY, '[damaged');
  idle.change({ seed: 3 });
  expect(open().settings()).toEqual({ ...DEFAULTS, seed: 3 });
});

test('a stored text that is too long ends between two letters', () => {
  expect(reloaded({ prompt: `${'a'.repeat(1999)}🍎` }).prompt).toBe('a'.repeat(1999));
  const layers = 'd0,'.repeat(1300);
  expect(reloaded({ layers }).layers).toBe(layers);
});
