// A UNet alone with the rest of another model, through the whole engine on the WASM provider: the latents are those of
// diffusers' pipeline of that UNet with those text encoders.

import { openAsBlob } from 'node:fs';
import { expect, test } from 'vitest';
import { partFile, small } from '../../fixtures/checkpoints/golden';
import { commonSettings, families, latentsOf, unetFile, wholeFile } from '../../fixtures/checkpoints/pipelines';
import { INITIAL } from '../settings/fields';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import { closeModel } from './diffusionModel';
import { generate } from './generate';
import { withUnet } from './replacedUnet';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
const named = (blob: Blob) => new File([blob], 'same.safetensors');
const base = await checkpointFiles({ file: named(wholeFile('sd1', 'F16')), clipUrl: '' }, undefined, () =>
  openAsBlob('public/clip/merges.txt'),
);

test.each([
  ['tiny-sd', 'bare ldm'],
  ['lcm', 'diffusers'],
] as const)('the UNet of %s under names of %s predicts what diffusers’ pipeline does', async (family, naming) => {
  const files = await withUnet(base, named(unetFile(family, naming)));
  expect(files).toMatchObject({ textEncoder: base.textEncoder, vaeDecoder: base.vaeDecoder });
  if (family === 'lcm') expect(files.scheduler._class_name).toBe('LCMScheduler');
  else expect(files.scheduler).toBe(base.scheduler);
  const model = await openModel(backend, files, 'one');
  expect(model.info).toMatchObject({ latentShape: [4, 16, 16], guidanceEmbedded: family === 'lcm' });
  const [golden] = families[family];
  const { latents } = await generate(
    model,
    {
      ...INITIAL,
      ...commonSettings,
      ...golden!.settings,
      emphasis: 'plain',
      compare: false,
      backend: 'wasm',
    },
    { signal: new AbortController().signal, progress: () => {}, preview: () => {} },
  );
  await closeModel(model);
  expect(relativeError(latents, latentsOf(golden!))).toBeLessThan(1e-4);
});

test('a LoRA changes it, and the text encoders as far as their files tell', async () => {
  const networks = ({ loraTargets }: typeof base) =>
    [...new Set([...loraTargets!().values()].map(({ network }) => network))].sort();
  const file = named(unetFile('lcm', 'ldm'));
  expect(networks(await withUnet(base, file))).toEqual(['text', 'unet']);
  const ofOnnx = Object.fromEntries(Object.entries(base).filter(([field]) => field !== 'loraTargets'));
  expect(networks(await withUnet(ofOnnx as unknown as typeof base, file))).toEqual(['unet']);
  const condition = 'unet.time_embedding.cond_proj';
  expect(base.loraTargets!().has(condition)).toBe(false);
  expect((await withUnet(base, file)).loraTargets!().has(condition)).toBe(true);
});

test('one that reads other text, and a file with more or without a UNet, are refused', async () => {
  const wider = { ...base, unetConfig: { ...base.unetConfig, cross_attention_dim: 768 } };
  await expect(withUnet(wider, named(unetFile('sd1', 'ldm')))).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringContaining('does not fit the text encoders of the model that it was opened with') as string,
  });
  for (const other of [wholeFile('sd1', 'F16'), partFile(small.sd1!, 'vae')])
    await expect(withUnet(base, named(other))).rejects.toThrow('holds more than a UNet, or none');
});
