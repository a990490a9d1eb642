// Entries as they come back from storage, and which of them make room.

import { expect, test } from 'vitest';
import { INITIAL } from '../settings/fields';
import { makeRecipe } from '../recipe/recipe';
import {
  matches,
  oldestUnstarred,
  readEntry,
  storedEntry,
  withTooManySteps,
  withoutSteps,
  type HistoryEntry,
} from './entry';

const stats = {
  seconds: 1,
  unetRows: 60,
  rowsBeforeFork: 2,
  rowsAfterFork: 3,
  perturbedSites: ['mid_block.attentions.0'],
  keptWithoutPag: false,
};

function entry(id: string, made: number, prompt = 'a red apple', starred = false): HistoryEntry {
  const recipe = makeRecipe({
    appVersion: '1',
    model: { id: 'some/model', revision: null },
    settings: { ...INITIAL, prompt },
    size: { width: 64, height: 64 },
    sites: [{ name: 'mid_block.attentions.0', comfyName: 'm0' }],
    backend: 'wasm',
    adapter: 'CPU',
    versions: { onnx: '1' },
  });
  return { id, made, starred, recipe, stats, isPair: true, bytes: 100, stepBytes: 40 };
}

test('an entry comes back as it was stored', () => {
  const one = entry('a', 5);
  expect(readEntry(structuredClone(storedEntry(one)))).toEqual(one);
});

test('a setting that a stored recipe lacks, or that is wrong in it, has its first value; the others stay', () => {
  const stored = structuredClone(storedEntry(entry('a', 5))) as { recipe: { settings: Record<string, unknown> } };
  delete stored.recipe.settings['clipSkip'];
  stored.recipe.settings['scheduler'] = 'none such';
  expect(readEntry(stored)).toMatchObject({
    recipe: { settings: { prompt: 'a red apple', clipSkip: INITIAL.clipSkip, scheduler: INITIAL.scheduler } },
  });
});

test.each([
  ['nothing', undefined],
  ['a text', 'entry'],
  ['no id', { ...storedEntry(entry('a', 5)), id: '' }],
  ['a time that is none', { ...storedEntry(entry('a', 5)), made: 'yesterday' }],
  ['no recipe', { ...storedEntry(entry('a', 5)), recipe: { format: 'other' } }],
  ['a recipe without a size', { ...storedEntry(entry('a', 5)), recipe: { ...entry('a', 5).recipe, size: {} } }],
  ['no figures', { ...storedEntry(entry('a', 5)), stats: { seconds: 1 } }],
])('an entry with %s is damaged', (_, value) => {
  expect(readEntry(value)).toBeNull();
});

test('an entry of a later version is left alone', () => {
  expect(readEntry({ ...storedEntry(entry('a', 5)), format: 99 })).toBe('newer');
});

test('the oldest without a star make room, as many as are needed and no more', () => {
  const entries = [entry('new', 4), entry('old', 2), entry('starred', 1, '', true), entry('middle', 3)];
  const ids = (bytes: number) => oldestUnstarred(entries, bytes).map(({ id }) => id);
  expect(ids(1)).toEqual(['old']);
  expect(ids(101)).toEqual(['old', 'middle']);
  expect(ids(1e9)).toEqual(['old', 'middle', 'new']);
});

test('the steps of the oldest go where all together are too many, and the pictures stay', () => {
  const entries = [entry('new', 4), entry('old', 2), entry('starred', 1, '', true), withoutSteps(entry('middle', 3))];
  const ids = (most: number) => withTooManySteps(entries, most).map(({ id }) => id);
  expect([ids(120), ids(119), ids(40), ids(39)]).toEqual([
    [],
    ['starred'],
    ['old', 'starred'],
    ['new', 'old', 'starred'],
  ]);
  expect(withoutSteps(entry('a', 1))).toMatchObject({ bytes: 60, stepBytes: 0 });
});

test('words are looked for in prompts and in the model’s name, in any order and case', () => {
  const one = entry('a', 1, 'A red Apple');
  expect(matches(one, 'apple RED')).toBe(true);
  expect(matches(one, 'some/model')).toBe(true);
  expect(matches(one, '')).toBe(true);
  expect(matches(one, 'pear')).toBe(false);
});
