// LoRA through the whole engine on the WASM provider, against diffusers' pipeline with PAG and the same LoRA
// (fixtures/checkpoints/make_lora.py); and what a change of them builds anew.

import { openAsBlob } from 'node:fs';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { encoded, singleFile, small, weight, type Shape } from '../../fixtures/checkpoints/golden';
import { loraCases, loraFile, loraNumbers } from '../../fixtures/checkpoints/lora';
import { safetensorsFile, type Entry } from '../checkpoints/testing/safetensorsFile';
import { selectSites } from '../onnx/sites/layers';
import type { LoraRef } from '../protocol/modelRefs';
import { INITIAL } from '../settings/fields';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import { closeModel, conditionRows } from './diffusionModel';
import { generate } from './generate';
import { mergeLoras } from './mergeLoras';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
/** As make_lora.py has them. */
const settings = {
  ...INITIAL,
  prompt: 'a photo of a cat',
  negativePrompt: 'hello',
  seed: 7,
  steps: 3,
  guidanceScale: 3,
  pagScale: 2,
};
const file = new File([singleFile(small['sd1']!, 'F16', { 'modelspec.resolution': '128x128' })], 'some.safetensors');
const files = await checkpointFiles({ file, clipUrl: '' }, undefined, () => openAsBlob('public/clip/merges.txt'));
let model = await openModel(backend, files, 'one');
afterAll(() => closeModel(model));

const made = vi.spyOn(backend, 'createSession');
beforeEach(() => {
  made.mockClear();
});

const { signal } = new AbortController();
const ref = (name: string, strength: number, blob = loraFile(name, 'F16')): LoraRef => ({
  id: name,
  name,
  file: new File([blob], `${name}.safetensors`),
  weight: strength,
});

async function run(loras: readonly LoraRef[]) {
  model = await mergeLoras(model, loras);
  return generate(model, settings, { signal, progress: () => {}, preview: () => {} });
}

/** All sessions that a run needs but the VAE's. */
async function prepare(loras: readonly LoraRef[]): Promise<void> {
  model = await mergeLoras(model, loras);
  (await conditionRows(model, settings, ['uncond', 'cond'], signal)).dispose();
  await model.unet.prepare(selectSites('mid', model.unet.sites), signal);
}

/** A LoRA of one module, by kohya's name. */
function single(module: string, [out, input]: readonly [number, number], alpha = 1): Blob {
  const entry = (key: string, shape: Shape, values = weight(key, shape)): [string, Entry] => [
    `${module}.${key}`,
    { dtype: 'F32', shape, bytes: encoded(values, 'F32') },
  ];
  return safetensorsFile(
    new Map([
      entry('lora_down.weight', [2, input]),
      entry('lora_up.weight', [out, 2]),
      entry('alpha', [], Float32Array.of(alpha)),
    ]),
  );
}

test('a pair with two LoRA equals diffusers’; without them it is bit-equal to what it was', async () => {
  const plain = await run([]);
  expect(model.info.loras).toEqual({});
  const { loras, pipeline } = loraCases['both']!;
  const refs = loras.map(({ file: name, weight: strength }) => ref(name, strength));
  const { latents, pair } = await run(refs);
  const count = 4 * 16 * 16;
  expect(relativeError(latents.slice(count), loraNumbers(pipeline!.latents, count))).toBeLessThan(1e-4);
  const { width, rgba } = pair.withPag;
  const pixels = loraNumbers(pipeline!.pixels, 3 * 64 * 64);
  const worst = pixels.reduce((most, value, at) => {
    const [pixel, channel] = [Math.floor(at / 3), at % 3];
    const shown = rgba[4 * (2 * Math.floor(pixel / 64) * width + 2 * (pixel % 64)) + channel]!;
    return Math.max(most, Math.abs(shown - value));
  }, 0);
  expect(worst).toBeLessThanOrEqual(1);
  expect(model.info.loras).toMatchObject({ kohya: { unused: [] }, peft: { unused: [] } });
  expect((await run(refs.map((one) => ({ ...one, weight: 0 })))).latents).toEqual(plain.latents);
});

test('a change builds anew what holds the weights that it touches, and nothing else', async () => {
  await prepare([]);
  made.mockClear();
  await prepare([]);
  expect(made).not.toHaveBeenCalled();
  const late = single('lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_ff_net_2', [32, 128]);
  await prepare([ref('late', 1, late)]);
  expect(made).toHaveBeenCalledTimes(1); // of the UNet's two segments the second
  made.mockClear();
  const text = single('lora_te_text_model_encoder_layers_1_mlp_fc1', [256, 128]);
  await prepare([ref('late', 1, late), ref('text', 0.5, text)]);
  expect(made).toHaveBeenCalledTimes(1); // the text encoder
  made.mockClear();
  await prepare([ref('late', 1, late), ref('text', 0.5, text)]);
  expect(made).not.toHaveBeenCalled();
});

test('keys that fit nothing are told; numbers that run away are an error that leaves the model as it was', async () => {
  await prepare([ref('elsewhere', 1, single('lora_unet_nowhere', [32, 32]))]);
  expect(model.info.loras).toEqual({
    elsewhere: {
      used: 0,
      keys: 3,
      unused: ['lora_down.weight', 'lora_up.weight', 'alpha'].map((part) => `lora_unet_nowhere.${part}`),
    },
  });
  const wild = single('lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q', [64, 64], Infinity);
  await expect(prepare([ref('wild', 1, wild)])).rejects.toMatchObject({
    code: 'lora-invalid',
    message: expect.stringContaining('With the LoRA wild the model’s weights are no numbers any more') as string,
  });
  await prepare([]);
});
