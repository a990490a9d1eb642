import { expect, test } from 'vitest';
import { PLAIN_PAG } from '../diffusion/options';
import { readPngText, writePngText } from '../image/pngText';
import { INITIAL_RECIPE } from '../settings/fields';
import { READ_KEYWORDS, recipeFromPngTexts, recipeToPngTexts } from './pngTexts';
import { makeRecipe } from './recipe';

const RECIPE = makeRecipe({
  appVersion: '1',
  model: { id: 'some/model', revision: 'abc' },
  size: { width: 8, height: 8 },
  sites: [],
  backend: 'wasm',
  adapter: 'CPU',
  versions: {},
  settings: {
    ...INITIAL_RECIPE,
    prompt: ' 赤 apple\nNegative prompt: in words',
    negativePrompt: '',
    emphasis: 'plain',
    seed: 7,
    steps: 4,
    guidanceScale: 3,
    pagScale: 2,
    layers: 'all',
    scheduler: 'euler',
    spacing: 'trailing',
    pag: { ...PLAIN_PAG, identity: 0.5 },
  },
});
// One black pixel (grey, 8 bits), as Pillow writes it.
const PIXEL = Uint8Array.from(
  atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=='),
  (letter) => letter.charCodeAt(0),
);
const restore = (texts: Record<string, string>) => recipeFromPngTexts(new Map(Object.entries(texts)), PLAIN_PAG);

test('a recipe comes back whole from a PNG, with what no infotext can say', async () => {
  const { texts, problems } = await readPngText(
    new Blob([writePngText(PIXEL, recipeToPngTexts(RECIPE))]),
    READ_KEYWORDS,
  );
  expect(problems).toEqual([]);
  expect(recipeFromPngTexts(texts, PLAIN_PAG)).toEqual({
    settings: RECIPE.settings,
    model: RECIPE.model,
    loras: [],
    embeddings: [],
    notRestored: [],
  });
});

test('the infotext stands in for a recipe that cannot be read, and this is said', () => {
  for (const pagoda of ['{', '[]', '{"format":"pagoda","formatVersion":9}', 'null']) {
    const restored = restore({ parameters: 'p\nSteps: 5, Sampler: Euler, Seed: 3, Model: m', pagoda });
    expect(restored).toMatchObject({
      settings: { prompt: 'p', steps: 5, seed: 3 },
      model: { id: 'm', revision: null },
    });
    expect(restored?.notRestored.map(({ name, value }) => [name, value])).toEqual([["Pagoda's recipe", pagoda]]);
  }
});

test('a recipe that cannot be read, alone, restores nothing and says so', () => {
  expect(restore({ pagoda: '{' })).toMatchObject({ settings: {}, notRestored: [{ name: 'format' }] });
});

test('texts of other programs are not taken for settings', () => {
  expect(restore({})).toBeNull();
  expect(restore({ Comment: 'Steps: 5, Sampler: Euler, Seed: 3', prompt: '{"1": {}}' })).toBeNull();
});
