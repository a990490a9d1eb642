import { expect, test } from 'vitest';
import { PLAIN_PAG } from '../diffusion/options';
import { writePngText } from '../image/pngText';
import { recipeToPngTexts } from '../recipe/pngTexts';
import { makeRecipe } from '../recipe/recipe';
import { readRecipeFile } from './recipeFile';

const RECIPE = makeRecipe({
  appVersion: '1',
  model: { id: 'some/model', revision: 'abc' },
  size: { width: 8, height: 8 },
  sites: [],
  backend: 'wasm',
  adapter: 'CPU',
  versions: {},
  settings: {
    prompt: '赤',
    negativePrompt: '',
    seed: 7,
    steps: 4,
    guidanceScale: 3,
    pagScale: 2,
    layers: 'all',
    scheduler: 'euler',
    sigmas: 'model',
    spacing: 'trailing',
    pag: { ...PLAIN_PAG, attenuation: 5 },
  },
});
// One black pixel (grey, 8 bits), as Pillow writes it.
const PIXEL = Uint8Array.from(
  atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=='),
  (letter) => letter.charCodeAt(0),
);
const png = (texts: Record<string, string>, change: (bytes: Uint8Array) => void = () => {}) => {
  const bytes = writePngText(PIXEL, texts);
  change(bytes);
  return new Blob([bytes]);
};
/** Flips a bit in the first text chunk, which begins behind signature and header. */
const damage = (bytes: Uint8Array) => (bytes[33 + 8 + 20]! ^= 1);

test('a PNG and a JSON of Pagoda give the settings back', async () => {
  const whole = { settings: RECIPE.settings, model: RECIPE.model, notRestored: [], problems: [] };
  expect(await readRecipeFile(png(recipeToPngTexts(RECIPE)))).toEqual(whole);
  expect(await readRecipeFile(new Blob([JSON.stringify(RECIPE)]))).toEqual(whole);
});

test('a damaged text is named; the other one is taken', async () => {
  const { parameters, pagoda } = recipeToPngTexts(RECIPE) as { parameters: string; pagoda: string };
  const read = await readRecipeFile(png({ pagoda, parameters }, damage));
  expect(read).toMatchObject({ settings: { prompt: '赤', seed: 7 }, problems: [expect.stringContaining('checksum')] });
  expect(read.settings.spacing).toBeUndefined();
});

test.each<[string, Blob, string]>([
  ['a PNG without texts', png({}), 'no settings in it that Pagoda reads. There are neither texts of A1111'],
  ['a PNG of ComfyUI', png({ prompt: '{}', workflow: '{}' }), "It is ComfyUI's: open it there"],
  [
    'a PNG whose one text is damaged',
    png({ parameters: 'a long enough prompt\nSteps: 4, Seed: 3, Sampler: Euler' }, damage),
    'checksum',
  ],
  [
    'a PNG that is cut off',
    new Blob([writePngText(PIXEL, recipeToPngTexts(RECIPE)).slice(0, 90)]),
    'ends inside its chunk',
  ],
  [
    'a PNG of a later Pagoda',
    png({ pagoda: JSON.stringify({ ...RECIPE, formatVersion: 9 }) }),
    'This version of the format is not known.',
  ],
  ['what only begins like a PNG', new Blob([Uint8Array.of(0x89, 1, 2, 3)]), 'not a PNG'],
  ['a JPEG', new Blob([Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)]), 'There is neither a comment of A1111 or Forge in it'],
  ['nothing', new Blob([]), 'neither a picture (PNG, JPEG, WebP) nor a recipe'],
  ['other JSON', new Blob(['{"1": {"class_type": "KSampler"}}']), 'not a recipe of Pagoda'],
  ['a number', new Blob(['5']), 'not a recipe of Pagoda'],
  [
    'a recipe with nothing in it',
    new Blob([JSON.stringify({ ...RECIPE, settings: {} })]),
    'no settings in this recipe',
  ],
  [
    'a recipe of more than 1 MiB',
    new Blob([JSON.stringify({ ...RECIPE, more: 'x'.repeat(2 ** 20) })]),
    'at most 1 MiB',
  ],
])('%s is refused with a sentence', async (_, file, sentence) => {
  await expect(readRecipeFile(file)).rejects.toThrow(sentence);
});
