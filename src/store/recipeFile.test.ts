import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { picturePath } from '../../fixtures/start/pictures';
import { PLAIN_PAG } from '../diffusion/options';
import { writePngText } from '../image/pngText';
import { recipeToPngTexts } from '../recipe/pngTexts';
import { makeRecipe } from '../recipe/recipe';
import { INITIAL_RECIPE } from '../settings/fields';
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
    ...INITIAL_RECIPE,
    prompt: '赤',
    negativePrompt: '',
    emphasis: 'plain',
    seed: 7,
    steps: 4,
    guidanceScale: 3,
    pagScale: 2,
    layers: 'all',
    scheduler: 'euler',
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
  const whole = {
    settings: RECIPE.settings,
    model: RECIPE.model,
    loras: [],
    embeddings: [],
    notRestored: [],
    problems: [],
  };
  expect(await readRecipeFile(png(recipeToPngTexts(RECIPE)))).toEqual(whole);
  expect(await readRecipeFile(new Blob([JSON.stringify(RECIPE)]))).toEqual(whole);
});

test('a damaged text is named; the other one is taken', async () => {
  const { parameters, pagoda } = recipeToPngTexts(RECIPE) as { parameters: string; pagoda: string };
  const read = await readRecipeFile(png({ pagoda, parameters }, damage));
  expect(read).toMatchObject({ settings: { prompt: '赤', seed: 7 }, problems: [expect.stringContaining('checksum')] });
  expect(read.settings.spacing).toBeUndefined();
});

/** A JPEG of EXIF alone, with these texts in it, little-endian: 0x010e, 0x9c9c and a directory that has 0x9286. */
function jpeg({ description = '', xpComment = '', userComment = '' }): Blob {
  const description8 = Buffer.from(`${description}\0`);
  const xpComment16 = Buffer.from(`${xpComment}\0`, 'utf16le');
  const comment = Buffer.concat([Buffer.from('UNICODE\0'), Buffer.from(userComment, 'utf16le')]);
  const entry = (tag: number, type: number, count: number, value: number) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt16LE(tag, 0);
    bytes.writeUInt16LE(type, 2);
    bytes.writeUInt32LE(count, 4);
    bytes.writeUInt32LE(value, 8);
    return bytes;
  };
  const [first, second] = [8 + 2 + 3 * 12 + 4, 8 + 2 + 3 * 12 + 4 + 2 + 12 + 4];
  const behind = second + description8.length;
  const tiff = Buffer.concat([
    Buffer.from('II*\0\x08\0\0\0'),
    Buffer.from([3, 0]),
    entry(0x010e, 2, description8.length, second),
    entry(0x8769, 4, 1, first),
    entry(0x9c9c, 1, xpComment16.length, behind),
    Buffer.alloc(4),
    Buffer.from([1, 0]),
    entry(0x9286, 7, comment.length, behind + xpComment16.length),
    Buffer.alloc(4),
    description8,
    xpComment16,
    comment,
  ]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(2 + 6 + tiff.length);
  return new Blob([Buffer.from([0xff, 0xd8, 0xff, 0xe1]), length, Buffer.from('Exif\0\0'), tiff]);
}

test('of several texts in EXIF the one that is a recipe counts, wherever it stands', async () => {
  const [infotext, words] = ['a kettle\nSteps: 4, Sampler: Euler, Seed: 9', 'My holiday: 3 days, sun'];
  for (const texts of [
    { userComment: words, description: infotext },
    { userComment: words, description: words, xpComment: infotext },
    { userComment: '{"made": "by"}', description: infotext, xpComment: words },
    { userComment: infotext, description: 'a lake\nSteps: 5, Sampler: Euler, Seed: 10' },
    { userComment: ' ', xpComment: infotext },
  ])
    expect((await readRecipeFile(jpeg(texts))).settings, JSON.stringify(texts)).toMatchObject({
      prompt: 'a kettle',
      steps: 4,
      seed: 9,
    });
  await expect(readRecipeFile(jpeg({ userComment: words, description: words }))).rejects.toThrow('no settings in it');
  await expect(readRecipeFile(jpeg({ userComment: words, xpComment: '{"sui_image_params": {}}' }))).rejects.toThrow(
    "It is SwarmUI's",
  );
});

test("words in EXIF are no prompt, even beside another program's name in a text of the PNG", async () => {
  const picture = png({ Software: 'Paint' });
  const exif = Buffer.from(await jpeg({ userComment: 'My holiday' }).arrayBuffer()).subarray(12);
  const chunk = Buffer.concat([Buffer.alloc(4), Buffer.from('eXIf'), exif, Buffer.alloc(4)]);
  chunk.writeUInt32BE(exif.length, 0);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
  await expect(readRecipeFile(new Blob([picture.slice(0, 33), chunk, picture.slice(33)]))).rejects.toThrow(
    'no settings in it',
  );
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

test('a picture of a format in which no settings are written says so', async () => {
  const file = new Blob([readFileSync(picturePath('still.gif'))]);
  await expect(readRecipeFile(file)).rejects.toThrow('Settings are read from PNG, JPEG and WebP, and this is GIF.');
});
