import { expect, test, vi } from 'vitest';
import type { Settings } from '../protocol/messages';
import { DEFAULTS, loadSettings, readSettings, saveChanges } from './settings';

test.each([null, undefined, 5, 'x', [], {}])('from %j come the defaults', (stored) => {
  expect(readSettings(stored)).toEqual(DEFAULTS);
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
  expect(readSettings(stored)).toEqual({ ...DEFAULTS, prompt: 'frog', steps: 150, backend: 'wasm' });
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
  expect(readSettings(JSON.parse(JSON.stringify(own)))).toEqual(own);
});

test("a stored flag of older versions for Karras' spacing is taken over, but not over a newer choice", () => {
  expect(readSettings({ karras: true }).sigmas).toBe('karras');
  expect(readSettings({ karras: false }).sigmas).toBe('model');
  expect(readSettings({ karras: true, sigmas: 'beta' }).sigmas).toBe('beta');
});

test('each tab writes what it changed alone, and a reload has the newest of each field', () => {
  const storage = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => storage.set(key, value),
  });
  const pagOf = (changes: Partial<Settings['pag']>): Settings => ({
    ...DEFAULTS,
    pag: { ...DEFAULTS.pag, ...changes },
  });
  saveChanges(DEFAULTS, { ...DEFAULTS, prompt: 'of one tab', seed: 1 });
  saveChanges(DEFAULTS, { ...DEFAULTS, steps: 9, seed: 2 });
  saveChanges(DEFAULTS, { ...DEFAULTS });
  saveChanges(DEFAULTS, pagOf({ attenuation: 5 }));
  saveChanges(DEFAULTS, pagOf({ guidanceRescale: 0.7 }));
  expect(loadSettings()).toEqual({
    ...DEFAULTS,
    prompt: 'of one tab',
    steps: 9,
    seed: 2,
    pag: { ...DEFAULTS.pag, attenuation: 5, guidanceRescale: 0.7 },
  });
  // Back to what it was is a change too.
  saveChanges({ ...DEFAULTS, steps: 9 }, DEFAULTS);
  expect(loadSettings().steps).toBe(DEFAULTS.steps);
  storage.set('pagoda.settings', '[damaged');
  saveChanges(DEFAULTS, { ...DEFAULTS, seed: 3 });
  expect(loadSettings()).toEqual({ ...DEFAULTS, seed: 3 });
  vi.unstubAllGlobals();
});

test('a stored text that is too long ends between two letters', () => {
  expect(readSettings({ prompt: `${'a'.repeat(1999)}🍎` }).prompt).toBe('a'.repeat(1999));
  const layers = 'd0,'.repeat(1300);
  expect(readSettings({ layers }).layers).toBe(layers);
});
