// A checkpoint in one file, through the whole engine on the WASM provider, against diffusers' pipeline with PAG on the
// same weights (fixtures/checkpoints/make_pipeline.py); and a file of each family as the engine opens it.

import { openAsBlob, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { singleFile, small, type Table } from '../../fixtures/checkpoints/golden';
import { PLAIN_PAG } from '../diffusion/options';
import type { Settings } from '../settings/fields';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import { closeModel, conditionRows } from './diffusionModel';
import { generate } from './generate';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
const golden = JSON.parse(readFileSync('fixtures/checkpoints/pipeline.json', 'utf8')) as {
  settings: Pick<Settings, 'prompt' | 'negativePrompt' | 'seed' | 'steps' | 'guidanceScale' | 'pagScale'>;
  latents: readonly number[];
};
const bytes = readFileSync('fixtures/checkpoints/pipeline.bin');
const count = golden.latents.reduce((all, size) => all * size, 1);
const merges = () => openAsBlob('public/clip/merges.txt');

function filesOf(table: Table, dtype: 'F32' | 'F16' | 'BF16' = 'F16') {
  const file = new File([singleFile(table, dtype, { 'modelspec.resolution': '128x128' })], 'some.safetensors');
  return checkpointFiles({ file, clipUrl: '' }, undefined, merges);
}

test.each(['F16', 'BF16'] as const)('a pair of a %s file of Stable Diffusion 1 equals diffusers’', async (dtype) => {
  const model = await openModel(backend, await filesOf(small.sd1!, dtype), 'one');
  expect(model.info).toMatchObject({ latentShape: [4, 16, 16], predictionType: 'epsilon', notices: [] });
  const settings = {
    ...golden.settings,
    pagAdaptive: 0,
    scheduler: 'ddim',
    sigmas: 'model',
    spacing: 'model',
  } as const;
  const { latents, pair } = await generate(
    model,
    { ...settings, layers: 'mid', pag: PLAIN_PAG, compare: true, backend: 'wasm' },
    { signal: new AbortController().signal, progress: () => {}, preview: () => {} },
  );
  const expected = Float32Array.from({ length: count }, (_, at) => bytes.readFloatLE(4 * at));
  expect(relativeError(latents.slice(count), expected)).toBeLessThan(1e-4);
  const { width, height, rgba } = pair.withPag;
  expect([width, height]).toEqual([128, 128]);
  let worst = 0;
  for (let at = 0; at < 3 * 64 * 64; at += 1) {
    const [pixel, channel] = [Math.floor(at / 3), at % 3];
    const made = rgba[4 * (2 * Math.floor(pixel / 64) * width + 2 * (pixel % 64)) + channel]!;
    worst = Math.max(worst, Math.abs(made - bytes[4 * count + at]!));
  }
  expect(worst).toBeLessThanOrEqual(1);
  await closeModel(model);
});

test('what is missing is named, and a model for another task refused', async () => {
  await expect(filesOf(small.lcm!)).rejects.toThrow(/LCM\) has no VAE and no text encoder\. Choose the file/);
  await expect(filesOf(small.sdxl!)).rejects.toThrow(/has no VAE\. Choose/);
  const inpainting = { ...small.inpainting!, file: { ...small.sd1!.file, ...small.inpainting!.file } };
  const parts = { ...small.sd1!.parts, ...small.inpainting!.parts };
  await expect(filesOf({ ...inpainting, parts })).rejects.toThrow(/is a model for inpainting/);
});

test('SDXL: its UNet reads two text encoders side by side, the second’s pooled embeds and the sizes', async () => {
  const { parts, file, configs } = small.sdxl!;
  const vae = Object.fromEntries(Object.entries(small.sd1!.file).filter(([, [, part]]) => part === 'vae'));
  const whole = { configs, parts: { ...parts, vae: small.sd1!.parts.vae! }, file: { ...file, ...vae } };
  const model = await openModel(backend, await filesOf(whole), 'xl');
  expect(model.files.scheduler._class_name).toBe('EulerDiscreteScheduler');
  expect(model.files.vaeConfig.scaling_factor).toBe(0.13025);
  const { positive, negative } = { positive: 'a photo of a cat', negative: '' };
  const { cond } = await model.prompts.encode({ positive, negative });
  expect(cond.dims).toEqual([77, 320]);
  const rows = await conditionRows(
    model,
    { prompt: positive, negativePrompt: negative, guidanceScale: 5 },
    ['uncond', 'cond'],
    new AbortController().signal,
  );
  const fed = Object.fromEntries(Object.entries(rows.feeds).map(([name, { dims }]) => [name, dims]));
  expect(fed).toEqual({ encoder_hidden_states: [2, 77, 320], text_embeds: [2, 192], time_ids: [2, 6] });
  expect([...(await backend.read(rows.feeds.time_ids!)).slice(0, 6)]).toEqual([128, 128, 0, 0, 128, 128]);
  rows.dispose();
  await closeModel(model);
});
