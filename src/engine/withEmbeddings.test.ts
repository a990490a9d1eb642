// Textual inversion embeddings in prompts, against diffusers' pipelines with the same files loaded
// (fixtures/checkpoints/make_embeddings.py); what does not fit is not used.

import { openAsBlob } from 'node:fs';
import { afterAll, expect, test, vi } from 'vitest';
import {
  cases,
  embeddingFile,
  embeddingNumbers,
  rows,
  type EmbeddingCase,
} from '../../fixtures/checkpoints/embeddings';
import { loraFile } from '../../fixtures/checkpoints/lora';
import { wholeFile } from '../../fixtures/checkpoints/pipelines';
import { safetensorsFile } from '../checkpoints/testing/safetensorsFile';
import type { EmbeddingRef } from '../protocol/modelRefs';
import { PromptTokenizer } from '../text/tokenizer';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import { closeModel, type DiffusionModel } from './diffusionModel';
import { mergeLoras } from './mergeLoras';
import type { PromptEmbeds } from './promptEncoder';
import { readModelFiles } from './modelFiles';
import { OnnxFile } from './onnxFile';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';
import { withEmbeddings } from './withEmbeddings';

const backend = new CpuBackend(await loadNodeRuntime());
async function open(family: EmbeddingCase['family']) {
  const file = new File([wholeFile(family, 'F16')], 'some.safetensors');
  const files = await checkpointFiles({ file, clipUrl: '' }, undefined, () => openAsBlob('public/clip/merges.txt'));
  return openModel(backend, files, family);
}
const models = { sd1: await open('sd1'), sdxl: await open('sdxl') };
afterAll(() => Promise.all(Object.values(models).map(closeModel)));
const ref = (golden: EmbeddingCase): EmbeddingRef => ({
  id: golden.name,
  name: golden.name,
  file: embeddingFile(golden),
});
const encode = ({ prompts }: DiffusionModel, positive: string, negative: string) =>
  prompts.encode({ positive, negative });
const kept = ({ hidden, dims: [, dim] }: PromptEmbeds) =>
  Float32Array.from(rows.flatMap((row) => [...hidden.subarray(row * dim, (row + 1) * dim)]));

test.each(['several', 'one', 'cut', 'both'] as const)('embeds with an embedding equal diffusers’: %s', async (name) => {
  const golden = cases[name];
  const model = await withEmbeddings(models[golden.family], [ref(golden)]);
  expect(model.info.embeddings).toEqual([golden.name]);
  const { cond, uncond } = await encode(model, golden.prompt, golden.negative);
  expect(relativeError(kept(cond), embeddingNumbers(golden.embeds))).toBeLessThan(5e-6);
  expect(relativeError(kept(uncond), embeddingNumbers(golden.negativeEmbeds))).toBeLessThan(5e-6);
  if (golden.pooled) expect(relativeError(cond.pooled, embeddingNumbers(golden.pooled))).toBeLessThan(5e-6);
  await withEmbeddings(model, []);
});

test('they are words in any case, and none where they are removed; nothing is built for them', async () => {
  const { several, one } = cases;
  const plain = await encode(models.sd1, several.prompt, several.prompt.toUpperCase());
  const built = vi.spyOn(backend, 'createSession');
  const model = await withEmbeddings(models.sd1, [ref(several), ref(one)]);
  const { cond, uncond } = await encode(model, several.prompt, several.prompt.toUpperCase());
  expect(cond.hidden).not.toEqual(plain.cond.hidden);
  expect(uncond.hidden).toEqual(cond.hidden);
  expect(await withEmbeddings(model, [ref(several), ref(one)])).toBe(model);
  // A name within a word is not that name.
  const inWord = await encode(model, 'BadHandsome', '');
  expect(inWord.cond.hidden).toEqual((await encode(models.sd1, 'BadHandsome', '')).cond.hidden);
  expect(model.prompts.fit(several.prompt)).toMatchObject({ tokens: 9, kept: several.prompt.length });
  const without = await withEmbeddings(model, []);
  expect((await encode(without, several.prompt, '')).cond.hidden).toEqual(plain.cond.hidden);
  expect(built).not.toHaveBeenCalled();
  built.mockRestore();
});

test('they stay with a text encoder that a LoRA changes', async () => {
  const golden = cases.several;
  const withNames = await withEmbeddings(models.sd1, [ref(golden)]);
  const lora = { id: 'l', name: 'l', file: new File([loraFile('peft')], 'l.safetensors'), weight: 1 };
  const changed = await mergeLoras(withNames, [lora]);
  const { cond } = await encode(changed, golden.prompt, '');
  const other = await encode(changed, golden.prompt.replace(golden.name, 'cat cat cat'), '');
  expect(cond.hidden).not.toEqual(other.cond.hidden);
  expect(changed.info.embeddings).toEqual([golden.name]);
  await withEmbeddings(await mergeLoras(changed, []), []);
});

test('of a model in ONNX too: a vector that is a word’s is that word', async () => {
  const files = await readModelFiles(folder('fixtures/models/tiny'));
  const model = await openModel(backend, files, 'tiny');
  const [, id, end] = new PromptTokenizer(files.tokenizer, files.tokenizerConfig).encode('apple');
  expect(end).toBe(new PromptTokenizer(files.tokenizer, files.tokenizerConfig).encode('')[1]);
  const graph = await openAsBlob('fixtures/models/tiny/text_encoder/model.onnx');
  const file = (await OnnxFile.open(graph, 'text', { device: backend, openFile: null })).withTokensOutside();
  const vector = await file.tokenRows([id as number]);
  const embedding = (values: Float32Array<ArrayBuffer>) => {
    const entry = { dtype: 'F32', shape: [1, values.length], bytes: new Uint8Array(values.slice().buffer) };
    return new File([safetensorsFile(new Map([['emb_params', entry]]))], 'fruit.safetensors');
  };
  const withFruit = async (values: Float32Array<ArrayBuffer>, name: string) => {
    const named = await withEmbeddings(model, [{ id: name, name: 'fruit', file: embedding(values) }]);
    expect(named.info.embeddings).toEqual([name]);
    return encode(named, 'a red fruit', '');
  };
  const { cond } = await encode(model, 'a red apple', '');
  expect((await withFruit(Float32Array.from(vector), 'same')).cond.hidden).toEqual(cond.hidden);
  expect(
    (
      await withFruit(
        Float32Array.from(vector, (value) => -value),
        'other',
      )
    ).cond.hidden,
  ).not.toEqual(cond.hidden);
  await closeModel(model);
});

test('of other widths they are not used, and a file that is something else is refused', async () => {
  expect((await withEmbeddings(models.sdxl, [ref(cases.several)])).info.embeddings).toEqual([]);
  await withEmbeddings(models.sdxl, []);
  const wrong = { ...ref(cases.one), file: new File([loraFile('peft')], 'x.safetensors') };
  await expect(withEmbeddings(models.sd1, [wrong])).rejects.toMatchObject({ code: 'embedding-invalid' });
});
