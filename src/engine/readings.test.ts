// Prompts as A1111 and ComfyUI read them, against their formulas on the same text encoders
// (fixtures/text/make_readings.py): CLIP-L like, OpenCLIP like, and SDXL's two; and a run of several chunks.

import { openAsBlob } from 'node:fs';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { embeddingFile } from '../../fixtures/checkpoints/embeddings';
import { commonSettings, families, wholeFile } from '../../fixtures/checkpoints/pipelines';
import { cases, readingNumbers, rows, type ReadingCase } from '../../fixtures/text/readings';
import { PLAIN_PAG } from '../diffusion/options';
import { INITIAL, type Settings } from '../settings/fields';
import { checkpointFiles } from './checkpointFiles';
import { concatenated } from './concatenated';
import { CpuBackend } from './cpuBackend';
import { closeModel } from './diffusionModel';
import { generate } from './generate';
import type { PromptEmbeds } from './promptEncoder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';
import { withEmbeddings } from './withEmbeddings';

const backend = new CpuBackend(await loadNodeRuntime());
async function open(family: ReadingCase['family']) {
  const file = new File([wholeFile(family, 'F16')], 'some.safetensors');
  const files = await checkpointFiles({ file, clipUrl: '' }, undefined, () => openAsBlob('public/clip/merges.txt'));
  return openModel(backend, files, family);
}
const models = { sd1: await open('sd1'), sd2: await open('sd2'), sdxl: await open('sdxl') };
afterAll(() => Promise.all(Object.values(models).map(closeModel)));

function kept({ hidden, dims: [, dim] }: PromptEmbeds, chunks: number): Float32Array {
  const places = Array.from({ length: chunks }, (_, chunk) => rows.map((row) => 77 * chunk + row)).flat();
  return concatenated(places.map((place) => hidden.subarray(place * dim, (place + 1) * dim)));
}

test.each(cases)('$family, $emphasis: $name', async (golden) => {
  const { family, emphasis, prompt, clipSkip, chunks } = golden;
  const moody = { name: 'moody', keys: { emb_params: [3, 128] } };
  const refs = golden.name === 'embedding' ? [{ id: 'moody', name: 'moody', file: embeddingFile(moody) }] : [];
  const model = await withEmbeddings(models[family], refs);
  // The negative prompt is read in the same way, but for clip skip as diffusers has it.
  const { cond, uncond } = await model.prompts.encode({ positive: prompt, negative: prompt, emphasis, clipSkip });
  expect(cond.dims[0]).toBe(77 * chunks);
  expect(relativeError(kept(cond, chunks), readingNumbers(golden.embeds))).toBeLessThan(1e-5);
  expect(uncond).toBe(cond);
  if (golden.pooled) expect(relativeError(cond.pooled, readingNumbers(golden.pooled))).toBeLessThan(1e-5);
  await withEmbeddings(model, []);
});

test('without weights, in one chunk, all readings are one', async () => {
  const { prompts } = models.sdxl;
  const plain = await prompts.encode({ positive: 'a red cat, blue sky', negative: 'a dog' });
  for (const emphasis of ['a1111', 'a1111-no-norm', 'comfy'] as const)
    expect(await prompts.encode({ positive: 'a red cat, blue sky', negative: 'a dog', emphasis })).toEqual(plain);
});

test('ComfyUI encodes an empty negative prompt, which SDXL’s pipelines and A1111 have as zeros', async () => {
  const { prompts } = models.sdxl;
  const uncond = async (emphasis: Settings['emphasis']) =>
    (await prompts.encode({ positive: 'a cat', negative: '', emphasis })).uncond.hidden.some((value) => value !== 0);
  expect([await uncond('plain'), await uncond('a1111'), await uncond('comfy')]).toEqual([false, false, true]);
});

describe('prompts of different lengths', () => {
  const { prompts } = models.sd1;
  const cats = (chunks: number) => 'cat '.repeat(75 * chunks);
  const encode = (positive: number, negative: number) =>
    prompts.encode({ positive: cats(positive), negative: cats(negative), emphasis: 'a1111' });
  const part = ({ hidden, dims: [, dim] }: PromptEmbeds, chunk: number) =>
    hidden.slice(77 * dim * chunk, 77 * dim * (chunk + 1));

  test('are repeated to one length', async () => {
    const { cond, uncond } = await encode(3, 2);
    expect([cond.dims[0], uncond.dims[0]]).toEqual([6 * 77, 6 * 77]);
    expect(prompts.contextTokens({ positive: cats(3), negative: cats(2), emphasis: 'a1111' })).toBe(6 * 77);
    const alone = await encode(3, 3);
    for (const chunk of [0, 1, 2, 3, 4, 5]) expect(part(cond, chunk)).toEqual(part(alone.cond, chunk % 3));
  });

  test('get empty chunks where that would be too long', async () => {
    const { cond, uncond } = await encode(6, 5);
    expect([cond.dims[0], uncond.dims[0]]).toEqual([6 * 77, 6 * 77]);
    const { uncond: empty } = await prompts.encode({ positive: 'cat', negative: '', emphasis: 'a1111' });
    expect(part(uncond, 5)).toEqual(empty.hidden);
    expect(part(uncond, 4)).toEqual(part((await encode(5, 5)).cond, 4));
  });
});

describe('a run', () => {
  const settings: Settings = {
    ...INITIAL,
    ...commonSettings,
    ...families.sd1[0]!.settings,
    emphasis: 'a1111',
    steps: 1,
    pag: PLAIN_PAG,
    compare: false,
    backend: 'wasm',
  };
  const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
  const run = async (changes: Partial<Settings>) => generate(models.sd1, { ...settings, ...changes }, hooks);

  const usual = run({});

  test('reads chunks behind the first, says so, and weights', async () => {
    const plain = await usual;
    expect(plain.stats.text).toBeUndefined();
    const long = await run({ prompt: `${settings.prompt} BREAK a dog` });
    expect(long.stats.text).toEqual({ chunks: 2, isCut: false });
    expect(relativeError(long.latents, plain.latents)).toBeGreaterThan(1e-3);
    const weighed = await run({ prompt: '(a photo of a cat:1.3)' });
    expect(relativeError(weighed.latents, plain.latents)).toBeGreaterThan(1e-4);
    const cut = await run({ emphasis: 'plain', prompt: 'cat '.repeat(80) });
    expect(cut.stats.text).toEqual({ chunks: 1, isCut: true });
  });

  test('of a context that is there twice is the same', async () => {
    const once = await usual;
    const { prompts } = models.sd1;
    const embeds = await prompts.encode({
      positive: settings.prompt,
      negative: settings.negativePrompt,
      emphasis: 'a1111',
    });
    const twice = ({ hidden, dims: [tokens, dim], pooled }: PromptEmbeds): PromptEmbeds => ({
      hidden: concatenated([hidden, hidden]),
      dims: [2 * tokens, dim],
      pooled,
    });
    const spy = vi
      .spyOn(prompts, 'encode')
      .mockResolvedValue({ cond: twice(embeds.cond), uncond: twice(embeds.uncond) });
    const repeated = await run({});
    spy.mockRestore();
    expect(relativeError(repeated.latents, once.latents)).toBeLessThan(1e-6);
  });

  test('of noise as on a GPU is another picture', async () => {
    const [cpu, gpu] = [await usual, await run({ noiseSource: 'gpu' })];
    expect(relativeError(gpu.latents, cpu.latents)).toBeGreaterThan(0.1);
  });
});
