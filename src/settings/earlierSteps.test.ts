// What holds when in a run that changes on the way, and how it is read back.

import { describe, expect, test } from 'vitest';
import { changeLines } from './changeWords';
import { changesOf, fromStepOn, phasesOf, withoutLastChange } from './earlierSteps';
import { INITIAL, readField, type Settings } from './fields';

const made: Settings = { ...INITIAL, prompt: 'a', pagScale: 3, guidanceScale: 5, layers: 'mid', seed: 4 };
const from = (settings: Settings, step: number, changes: Partial<Settings>) =>
  fromStepOn(settings, step, { ...settings, ...changes });
const scales = (settings: Settings) => [
  ...settings.earlier.map(({ until, pagScale }) => [until, pagScale]),
  settings.pagScale,
];

test('a run has what it was made of up to a step, and what is wanted from there on', () => {
  const changed = from(made, 8, { pagScale: 5, prompt: 'b', seed: 9 });
  expect(changed).toMatchObject({ pagScale: 5, prompt: 'b', seed: 4 });
  expect(phasesOf(changed)).toMatchObject([
    { pagScale: 3, prompt: 'a' },
    { pagScale: 5, prompt: 'b' },
  ]);
  expect(changesOf(changed)).toEqual([{ from: 8, held: { pagScale: 5, prompt: 'b' } }]);
  expect(from(made, 0, { pagScale: 5 })).toEqual({ ...made, pagScale: 5 });
});

test('a change behind another one keeps it; one before it takes its place', () => {
  const changed = from(made, 8, { pagScale: 5 });
  expect(scales(from(changed, 12, { pagScale: 7 }))).toEqual([[8, 3], [12, 5], 7]);
  expect(scales(from(changed, 8, { pagScale: 7 }))).toEqual([[8, 3], 7]);
  expect(scales(from(changed, 4, { pagScale: 7 }))).toEqual([[4, 3], 7]);
});

test('the last change is taken away, and what held before it holds again', () => {
  const twice = from(from(made, 8, { pagScale: 5 }), 12, { prompt: 'b' });
  expect(withoutLastChange(twice)).toEqual(from(made, 8, { pagScale: 5 }));
  expect(withoutLastChange(withoutLastChange(twice))).toEqual(made);
  expect(withoutLastChange(made)).toEqual(made);
});

test('it is said from which step on, counted from 1', () => {
  expect(changeLines(from(from(made, 8, { pagScale: 5, layers: 'all' }), 12, { prompt: 'b' }))).toEqual([
    'From step 9 on: PAG scale 5 and layers all',
    'From step 13 on: prompt “b”',
  ]);
  expect(changeLines(from(made, 8, {}))).toEqual(['From step 9 on: as before']);
});

describe('what was stored', () => {
  const held = { until: 3, prompt: '', negativePrompt: '', guidanceScale: 3, pagScale: 3, layers: 'mid' };
  test('comes back', () => {
    const { earlier } = from(from(made, 8, { pagScale: 5 }), 12, { prompt: 'b' });
    expect(readField('earlier', structuredClone(earlier)).value).toEqual(earlier);
    expect(readField('earlier', [{ ...held, more: 1 }]).value).toEqual([held]);
  });
  test.each([
    ['no list', {}],
    ['a step that is none', [{ ...held, until: 0 }]],
    ['half a step', [{ ...held, until: 1.5 }]],
    ['steps out of order', [held, { ...held, until: 2 }]],
    ['a scale out of range', [{ ...held, pagScale: -1 }]],
    ['a scale that is missing', [{ ...held, pagScale: undefined }]],
    ['a prompt that is none', [{ ...held, prompt: 1 }]],
    ['more than anyone follows', Array.from({ length: 9 }, (_, at) => ({ ...held, until: at + 1 }))],
  ])('is refused with %s', (_, stored) => {
    expect(readField('earlier', stored).value).toBeNull();
  });
});
