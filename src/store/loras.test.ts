// LoRA files that are added, and what a prompt makes of them; what a run is asked with and what its recipe says.

import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { loraFile } from '../../fixtures/checkpoints/lora';
import { loraHash } from '../library/loraOnDisk';
import type { ModelInfo } from '../protocol/loaded';
import type { GenerateRequest } from '../protocol/requests';
import { FakeWorker } from '../protocol/testing/fakeWorker';
import { useLoras, readPrompt } from './loras';
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

const state = () => useLoras.getState();
const named = (name: string, file: string) => new File([loraFile(file, 'F16')], `${name}.safetensors`);
afterEach(() => {
  for (const { id } of state().loras) state().remove(id);
});

test('files are added by their names, a second one of a name in place of the first; others are refused', async () => {
  await state().add([named('fur', 'peft'), named('ink', 'old'), new File(['<html>'], 'page.safetensors')]);
  expect(state().loras).toMatchObject([
    { name: 'fur', weight: 1, what: 'rank 3, UNet and text encoder' },
    { name: 'ink', what: 'rank 2, UNet and text encoder' },
  ]);
  expect(state().refused).toMatchObject([{ fileName: 'page.safetensors', error: { message: /web page/ } }]);
  const [fur] = state().loras;
  state().setWeight(fur!.id, 0.5);
  await state().add([named('fur', 'old')]);
  expect(state().refused).toEqual([]);
  expect(state().loras).toMatchObject([{ name: 'fur', weight: 0.5, what: 'rank 2, UNet and text encoder' }, {}]);
  expect(state().loras[0]!.id).not.toBe(fur!.id);
});

test('the hash is that of all behind the header, in pieces as at once', async () => {
  const file = named('fur', 'peft');
  const bytes = new Uint8Array(await file.arrayBuffer());
  const end = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const whole = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice(end)));
  const hex = [...whole].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  expect(await loraHash(file)).toBe(hex.slice(0, 12));
});

test('a prompt’s tags are no words: they give weights, or name what is not there', async () => {
  await state().add([named('fur', 'peft'), named('ink', 'old')]);
  const read = readPrompt('a cat <lora:fur:-0.25> <lora:absent:2>', state().loras);
  expect(read.text).toBe('a cat  ');
  expect(read.loras.map(({ weight }) => weight)).toEqual([-0.25, 1]);
  expect(read.missing.map(({ name }) => name)).toEqual(['absent']);
});

test('a run is asked with words and weights, and its recipe names the LoRA that fit', async () => {
  const store = () => useStore.getState();
  await state().add([named('fur', 'peft'), named('ink', 'old')]);
  await expect.poll(() => state().loras.every(({ hash }) => hash !== null)).toBe(true);
  store().change({ prompt: 'a cat <lora:fur:0.25>' });
  store().generate();
  const worker = workers.at(-1)!;
  const sent = worker.got.findLast((one) => one.type === 'generate') as GenerateRequest;
  expect(sent.settings.prompt).toBe('a cat ');
  expect(sent.loras).toMatchObject([
    { name: 'fur', weight: 0.25 },
    { name: 'ink', weight: 1 },
  ]);
  const [fur, ink] = state().loras;
  worker.says({ type: 'device', device: { backend: 'wasm', adapter: 'CPU' } as never });
  const loras = { [fur!.id]: { used: 2, keys: 2, unused: [] }, [ink!.id]: { used: 0, keys: 2, unused: [] } };
  worker.says({
    type: 'model-ready',
    model: { id: 'x', sites: [], loras, scheduler: {}, mostClipSkip: 1 } as unknown as ModelInfo,
  });
  const image = { width: 1, height: 1, rgba: new Uint8ClampedArray(4) };
  const stats = {
    seconds: 1,
    unetRows: 1,
    rowsBeforeFork: 1,
    rowsAfterFork: 1,
    perturbedSites: [],
    keptWithoutPag: false,
  };
  worker.says({ type: 'done', runId: sent.runId, pair: { withoutPag: null, withPag: image }, stats });
  const recipe = store().job.shown?.recipe;
  expect(recipe?.loras).toEqual([{ name: 'fur', weight: 0.25, hash: fur!.hash }]);

  // Opened where only the other one is loaded.
  state().remove(fur!.id);
  store().change({ prompt: '' });
  await useRecipes.getState().open([new File([JSON.stringify(recipe)], 'recipe.json')]);
  expect(store().settings.prompt).toBe('a cat <lora:fur:0.25>');
  expect(useRecipes.getState().opened).toMatchObject({
    notRestored: [
      { name: 'LoRA', value: '<lora:fur:0.25>', why: 'It is not loaded: add its file under LoRA.' },
      { name: 'LoRA', value: 'ink', why: 'It is in use here and was not in that picture: remove it.' },
    ],
  });
});
