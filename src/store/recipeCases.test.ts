// Pictures that people bring (fixtures/recipe/cases), each with the settings that must be taken, what must be listed as
// not taken, or the error. ../../e2e/recipeCases.spec.ts gives the same ones to the page.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { recipeCases } from '../../fixtures/recipe/cases';
import { mutate, seeded } from '../onnx/testing/mutate';
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

describe('damaged pictures', () => {
  const small = recipeCases.filter(({ size }) => size < 4096);
  test.each(small)('$name is taken or refused with a sentence', async ({ path }) => {
    const good = new Uint8Array(readFileSync(path));
    for (let seed = 0; seed < 20; seed += 1) {
      const random = seeded(seed);
      let bytes = mutate(good, random, []);
      for (let more = random(3); more > 0; more -= 1) bytes = mutate(bytes, random, []);
      const outcome = await readRecipeFile(new Blob([bytes])).then(
        ({ settings }) => Object.keys(settings).length > 0,
        (reason: unknown) => reason,
      );
      if (outcome !== true) {
        expect(outcome, `seed ${seed}`).toBeInstanceOf(Error);
        expect((outcome as Error).constructor, `seed ${seed}: ${String(outcome)}`).toBe(Error);
      }
    }
  });
});
