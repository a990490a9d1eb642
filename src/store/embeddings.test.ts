// Embeddings that are added: what the engine is sent, and what a recipe says of them.

import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { cases, embeddingFile } from '../../fixtures/checkpoints/embeddings';
import type { ModelInfo } from '../protocol/loaded';
import type { GenerateRequest } from '../protocol/requests';
import { FakeWorker } from '../protocol/testing/fakeWorker';
import { useEmbeddings } from './embeddings';
import { useRecipes } from './recipeSlice';
import { useStore } from './store';

const { workers } = vi.hoisted(() => {
  const made: FakeWorker[] = [];
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('window', { addEventListener: () => {} });
  vi.stubGlobal('navigator', {});
  return { workers: made };
});
beforeAll(() => {
  vi.stubGlobal(
    'Worker',
    class extends FakeWorker {
      constructor() {
        super();
        workers.push(this);
      }
    },
  );
});

const state = () => useEmbeddings.getState();
const called = (name: string) => new File([embeddingFile(cases.several)], `${name}.safetensors`);
afterEach(() => {
  for (const { id } of state().embeddings) state().remove(id);
});

test('files are added by their names, one of a name in place of the other; others are refused', async () => {
  await state().add([called('neg'), called('Moody'), new File(['<html>'], 'page.safetensors'), called('--')]);
  expect(state().embeddings).toMatchObject([
    { name: 'neg', what: '3 vectors' },
    { name: 'Moody', what: '3 vectors' },
  ]);
  expect(state().refused).toMatchObject([
    { fileName: 'page.safetensors', error: { message: expect.stringContaining('is a web page') as string } },
    { fileName: '--.safetensors', error: { message: expect.stringContaining('Rename it') as string } },
  ]);
  const [first] = state().embeddings;
  await state().add([called('NEG')]);
  expect(state().embeddings.map(({ name }) => name)).toEqual(['Moody', 'NEG']);
  expect(state().embeddings.at(-1)!.id).not.toBe(first!.id);
  expect(state().refused).toEqual([]);
});

test('the engine gets all of them; the recipe has those that a prompt named and that fit', async () => {
  await state().add([called('neg'), called('moody'), called('idle'), called('wide')]);
  useStore.getState().change({ prompt: 'a Moody cat', negativePrompt: 'neg, wide' });
  useStore.getState().generate();
  const worker = workers.at(-1)!;
  const { runId, embeddings } = worker.got.findLast(({ type }) => type === 'generate') as GenerateRequest;
  expect(embeddings!.map(({ name }) => name)).toEqual(['neg', 'moody', 'idle', 'wide']);
  const fits = embeddings!.filter(({ name }) => name !== 'wide').map(({ id }) => id);
  worker.says({ type: 'device', device: { backend: 'wasm', adapter: 'CPU' } as never });
  worker.says({
    type: 'model-ready',
    model: { id: 'x', sites: [], scheduler: {}, mostClipSkip: 1, embeddings: fits } as unknown as ModelInfo,
  });
  const pixels = { width: 1, height: 1, rgba: new Uint8ClampedArray(4) };
  const stats = {
    seconds: 1,
    unetRows: 1,
    rowsBeforeFork: 1,
    rowsAfterFork: 1,
    perturbedSites: [],
    keptWithoutPag: false,
  };
  worker.says({ type: 'done', runId, pair: { withoutPag: null, withPag: pixels }, stats });
  const recipe = useStore.getState().job.shown?.recipe;
  expect(recipe?.embeddings).toEqual(['neg', 'moody']);
  // Opened where one of them is missing: it says so.
  state().remove(state().embeddings.find(({ name }) => name === 'neg')!.id);
  await useRecipes.getState().open([new File([JSON.stringify(recipe)], 'recipe.json')]);
  expect(useRecipes.getState().opened).toMatchObject({
    outcome: 'taken',
    notRestored: expect.arrayContaining([
      { name: 'Embedding', value: 'neg', why: 'It is not loaded: add its file under Embeddings.' },
    ]) as unknown,
  });
});
