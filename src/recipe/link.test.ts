// Links that carry a recipe: whole, damaged, hostile, of another version.

import { deflateSync } from 'fflate';
import { expect, test } from 'vitest';
import { INITIAL } from '../settings/fields';
import { LINK_LIMIT, fragmentToRecipe, recipeToFragment } from './link';
import { makeRecipe, parseRecipe } from './recipe';

const recipe = makeRecipe({
  appVersion: '1',
  model: { id: 'some/model', revision: 'abc' },
  settings: { ...INITIAL, prompt: 'ein rotes Äpfelchen 🍎', seed: 2 ** 40, pag: { ...INITIAL.pag, identity: 0.5 } },
  size: { width: 64, height: 64 },
  sites: [],
  backend: 'wasm',
  adapter: 'CPU',
  loras: [{ name: 'ink', weight: 0.5, hash: '0123456789ab' }],
  start: 'a'.repeat(64),
  mask: 'b'.repeat(64),
  versions: {},
});

test('a recipe comes back from its link as from its file, in letters that no chat changes', () => {
  const fragment = recipeToFragment(recipe);
  expect(fragment).toMatch(/^#recipe=1\.[\w-]+$/);
  expect(fragmentToRecipe(fragment)).toEqual(parseRecipe(JSON.parse(JSON.stringify(recipe))));
});

test('what the page starts with and a prompt of a hundred words fit a link', () => {
  const words = Array.from({ length: 100 }, (_, at) => `word${at * 7919}`).join(' ');
  const fragment = recipeToFragment({ ...recipe, settings: { ...recipe.settings, prompt: words } });
  expect(fragment.length).toBeLessThan(LINK_LIMIT);
});

test('a fragment that is no recipe’s is nobody’s', () => {
  expect(fragmentToRecipe('')).toBeNull();
  expect(fragmentToRecipe('#about')).toBeNull();
});

test.each([
  ['nothing', ''],
  ['half of it', recipeToFragment(recipe).slice('#recipe=1.'.length, 60)],
  ['no base64', '%%%'],
  ['a bomb', btoa(String.fromCharCode(...deflateSync(new Uint8Array(1 << 22))))],
  ['JSON that is no recipe', btoa(String.fromCharCode(...deflateSync(new TextEncoder().encode('{"a":1}'))))],
])('a link with %s says that it is damaged', (_, data) => {
  expect(fragmentToRecipe(`#recipe=1.${data}`)).toMatch(/damaged/);
});

test('a link of another version says so', () => {
  expect(fragmentToRecipe('#recipe=2.AAAA')).toMatch(/another version/);
});
