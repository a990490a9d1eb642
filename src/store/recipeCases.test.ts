// Pictures that people bring (fixtures/recipe/cases), each with the settings that must be taken, what must be listed as
// not taken, or the error; and damaged copies of them. ../../e2e/recipeCases.spec.ts gives the same ones to the page.

import { readFileSync } from 'node:fs';
import { Unzlib } from 'fflate';
import { describe, expect, test, vi } from 'vitest';
import { recipeCases } from '../../fixtures/recipe/cases';
import { readPictureText } from '../image/pictureText';
import { damaged } from '../image/testing/damage';
import { seeded } from '../onnx/testing/mutate';
import { infotextParts } from '../recipe/infotextParts';
import { READ_KEYWORDS } from '../recipe/pngTexts';
import { readRecipeFile } from './recipeFile';

const read = (path: string) => readRecipeFile(new Blob([readFileSync(path)]));

test.each(recipeCases)('$name $note', async ({ path, settings, listed, error, notSettings }) => {
  if (error !== null) {
    await expect(read(path)).rejects.toThrow(new RegExp(error));
    return;
  }
  const restored = await read(path);
  expect(restored.settings).toMatchObject(settings);
  for (const key of notSettings) expect(restored.settings).not.toHaveProperty(key);
  const names = restored.notRestored.map(({ name }) => name);
  for (const pattern of listed)
    expect(
      names.filter((name) => new RegExp(pattern, 'i').test(name)),
      `${pattern} in ${names.join(', ')}`,
    ).not.toEqual([]);
});

const CASES = Number(process.env['FUZZ_CASES'] ?? 600);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
/** Bytes. Larger pictures are read a tenth as often. */
const LARGE = 4096;

describe('damaged pictures', () => {
  const each = Math.ceil(CASES / recipeCases.length);
  test.each(recipeCases)('$name is taken or refused with a sentence, in work that its size bounds', async (one) => {
    const good = readFileSync(one.path);
    const cases = one.size < LARGE ? each : Math.ceil(each / 10);
    const push = vi.spyOn(Unzlib.prototype, 'push');
    for (let seed = SEED; seed < SEED + cases; seed += 1) {
      const file = new Blob([damaged(good, seeded(seed))]);
      push.mockClear();
      const outcome = await readRecipeFile(file).then(
        ({ settings }) => Object.keys(settings).length > 0,
        (reason: unknown) => reason,
      );
      if (outcome !== true) {
        expect(outcome, `seed ${seed}`).toBeInstanceOf(Error);
        expect((outcome as Error).constructor, `seed ${seed}: ${String(outcome)}`).toBe(Error);
        expect((outcome as Error).message, `seed ${seed}`).toMatch(/^[A-Z][^]*\.$/);
      }
      const unpacked = push.mock.calls.reduce((sum, [part]) => sum + part.length, 0);
      expect(unpacked, `seed ${seed}: bytes that were unpacked`).toBeLessThanOrEqual(file.size);
      const picture = await readPictureText(file, READ_KEYWORDS).catch(() => null);
      if (!picture) continue;
      expect(picture.visited, `seed ${seed}: chunks`).toBeLessThanOrEqual(file.size / 12);
      for (const text of [...picture.texts.values(), ...picture.comments])
        expect(infotextParts(text).steps, `seed ${seed}: letters`).toBeLessThan(8 * text.length + 1000);
    }
    push.mockRestore();
  });
});
