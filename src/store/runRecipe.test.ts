// What a recipe says of the chosen model, right after a reload: before anything is known of the model store.

import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** The page's first look at what an earlier visit chose. */
async function chosen(stored: unknown) {
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => (key === 'pagoda.model' ? JSON.stringify(stored) : null),
    setItem: () => {},
    removeItem: () => {},
  });
  const { useModels } = await import('./models');
  const { recipeModel } = await import('./runRecipe');
  return recipeModel(useModels.getState().choice);
}

test.each([
  ['the built-in model', {}, { id: 'pocket', revision: null }],
  [
    'repository and commit',
    {
      name: 'SD-Turbo',
      dir: 'own--sd-turbo@123456789abc',
      origin: { repo: 'own/sd-turbo', commit: '123456789abcdef' },
    },
    { id: 'own/sd-turbo', revision: '123456789abcdef' },
  ],
  [
    'which of the repository’s files it is',
    {
      name: 'first (own/files)',
      dir: 'own--files@123456789abc+first.safetensors',
      origin: { repo: 'own/files', commit: '123456789abcdef', file: 'first.safetensors' },
    },
    { id: 'own/files/first.safetensors', revision: '123456789abcdef', singleFile: true },
  ],
  [
    'the same from the folder, where an older version stored no more',
    { name: 'SD-Turbo', dir: 'own--sd-turbo@123456789abc' },
    { id: 'own/sd-turbo', revision: '123456789abc' },
  ],
  ['the name, where the folder says nothing', { name: 'SD-Turbo', dir: 'x' }, { id: 'SD-Turbo', revision: null }],
])('%s', async (_what, stored, model) => {
  expect(await chosen(stored)).toEqual(model);
});
