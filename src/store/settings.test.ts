import { expect, test } from 'vitest';
import { DEFAULTS, readSettings } from './settings';

test.each([null, undefined, 5, 'x', [], {}])('from %j come the defaults', (stored) => {
  expect(readSettings(stored)).toEqual(DEFAULTS);
});

test('one wrong field costs that field only', () => {
  const stored = { ...DEFAULTS, prompt: 'frog', seed: 'x', steps: 1e9, scheduler: 'toString', sigmas: 'constructor', spacing: 3, compare: 'yes', backend: 'wasm' };
  expect(readSettings(stored)).toEqual({ ...DEFAULTS, prompt: 'frog', steps: 150, backend: 'wasm' });
});

test('what was saved comes back', () => {
  const own = { ...DEFAULTS, prompt: 'a', negativePrompt: 'b', layers: 'd0', seed: 1, steps: 3, guidanceScale: 2.5, pagScale: 0, scheduler: 'euler', sigmas: 'karras', spacing: 'trailing', compare: false } as const;
  expect(readSettings(JSON.parse(JSON.stringify(own)))).toEqual(own);
});

test("a stored flag of older versions for Karras' spacing is taken over, but not over a newer choice", () => {
  expect(readSettings({ karras: true }).sigmas).toBe('karras');
  expect(readSettings({ karras: false }).sigmas).toBe('model');
  expect(readSettings({ karras: true, sigmas: 'beta' }).sigmas).toBe('beta');
});
