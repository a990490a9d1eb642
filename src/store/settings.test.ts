import { expect, test } from 'vitest';
import { DEFAULTS, readSettings } from './settings';

test.each([null, undefined, 5, 'x', [], {}])('from %j come the defaults', (stored) => {
  expect(readSettings(stored)).toEqual(DEFAULTS);
});

test('one wrong field costs that field only', () => {
  const stored = { ...DEFAULTS, prompt: 'frog', seed: 'x', steps: 1e9, scheduler: 'toString', compare: 'yes', backend: 'wasm' };
  expect(readSettings(stored)).toEqual({ ...DEFAULTS, prompt: 'frog', steps: 150, backend: 'wasm' });
});

test('what was saved comes back', () => {
  const own = { ...DEFAULTS, prompt: 'a', negativePrompt: 'b', layers: 'd0', seed: 1, steps: 3, guidanceScale: 2.5, pagScale: 0, scheduler: 'euler', karras: true, compare: false } as const;
  expect(readSettings(JSON.parse(JSON.stringify(own)))).toEqual(own);
});
