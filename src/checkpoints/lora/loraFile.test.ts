// LoRA files by their headers: every name of every trainer on the tables of the real architectures, what is refused and
// what a hostile file comes to.

import { expect, test } from 'vitest';
import { fileShapes, headerOf, real, type Shape } from '../../../fixtures/checkpoints/golden';
import { loraFile } from '../../../fixtures/checkpoints/lora';
import { EngineError } from '../../protocol/errors';
import { identify } from '../identify';
import { readHeader, type StoredTensor } from '../safetensors';
import { fileOf } from '../testing/safetensorsFile';
import { fitLora } from './loraFit';
import { holdsLora, loraOf, loraText, readLora } from './loraFile';
import { loraTargets, type LoraTarget } from './loraTargets';
import { ldmUnetName } from '../unetNames';

const families = Object.keys(real).filter((family) => real[family]!.parts.unet);

test.each(families)('%s: each module’s name in single files is found again', (family) => {
  const { file, parts } = real[family]!;
  const toLdm = ldmUnetName(new Map(Object.entries(parts.unet!)));
  const rows = Object.entries(file).filter(([, [, part]]) => part === 'unet');
  for (const [key, [, , [name = '']]] of rows) {
    const module = name.replace(/\.(weight|bias)$/, '');
    expect(toLdm(module), name).toBe(key.replace(/^model\.diffusion_model\.(.+)\.(weight|bias)$/, '$1'));
  }
});

/** Targets of a real architecture, by what it has. */
function targetsOf(family: string) {
  const { unet, text_encoder: one, text_encoder_2: two } = real[family]!.parts;
  const weights = (part: Readonly<Record<string, Shape>>) =>
    new Map(Object.entries(part).map(([name, shape]) => [name, { shape }]));
  return loraTargets({ unet: weights(unet!), texts: [one, two].flatMap((part) => (part ? [weights(part)] : [])) });
}

test('all that trainers call a module is one and the same weight', () => {
  const { sd1, sdxl } = { sd1: targetsOf('sd1'), sdxl: targetsOf('sdxl') };
  const is = (targets: ReadonlyMap<string, LoraTarget>, names: readonly string[], network: string, module: string) => {
    for (const name of names) expect(targets.get(name), name).toMatchObject({ network, parameter: `${module}.weight` });
  };
  const toOut = 'down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0';
  is(
    sd1,
    [
      `lora_unet_${toOut.replaceAll('.', '_')}`,
      'lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_out_0',
      `lycoris_${toOut.replaceAll('.', '_')}`,
      `unet.${toOut}`,
      `unet.${toOut.slice(0, -2)}`,
      `base_model.model.${toOut}`,
      'diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_out.0',
    ],
    'unet',
    toOut,
  );
  is(
    sdxl,
    ['lora_unet_output_blocks_2_2_conv', 'lora_unet_up_blocks_0_upsamplers_0_conv'],
    'unet',
    'up_blocks.0.upsamplers.0.conv',
  );
  is(sdxl, ['lora_unet_middle_block_1_proj_in'], 'unet', 'mid_block.attentions.0.proj_in');
  is(sdxl, ['lora_unet_label_emb_0_2'], 'unet', 'add_embedding.linear_2');
  const q = 'text_model.encoder.layers.3.self_attn.q_proj';
  is(
    sd1,
    [
      `lora_te_${q.replaceAll('.', '_')}`,
      `text_encoder.${q}`,
      'text_encoder.text_model.encoder.layers.3.self_attn.to_q',
      'text_encoder.encoder.layers.3.self_attn.q_proj',
    ],
    'text',
    q,
  );
  is(sdxl, [`lora_te1_${q.replaceAll('.', '_')}`, `text_encoders.clip_l.transformer.${q}`], 'text', q);
  is(sdxl, [`lora_te2_${q.replaceAll('.', '_')}`, `text_encoder_2.${q}`], 'text2', q);
  is(sdxl, ['lora_te2_text_projection'], 'text2', 'text_projection');
});

/** A header of these keys; all values f16. */
function lora(shapes: Readonly<Record<string, readonly number[]>>, metadata: Readonly<Record<string, string>> = {}) {
  return loraOf({ ...headerOf(shapes), metadata: new Map(Object.entries(metadata)) });
}

const MODULE = 'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k';

test('what it is for is said from shapes, names and metadata', () => {
  const product = (name: string, width: number, rank = 16) => ({
    [`${name}.lora_down.weight`]: [rank, width],
    [`${name}.lora_up.weight`]: [320, rank],
    [`${name}.alpha`]: [],
  });
  expect(loraText(lora(product(MODULE, 768)))).toBe('for Stable Diffusion 1.x, rank 16, UNet');
  expect(loraText(lora(product(MODULE, 1024)))).toContain('for Stable Diffusion 2.x');
  const te = 'lora_te1_text_model_encoder_layers_0_self_attn_q_proj';
  expect(loraText(lora({ ...product(MODULE, 2048, 4), ...product(te, 768) }))).toBe(
    'for Stable Diffusion XL, ranks 4 to 16, UNet and text encoder',
  );
  expect(loraText(lora(product(te, 768)))).toBe('for Stable Diffusion 1.x, rank 16, text encoder');
  expect(loraText(lora(product('lora_unet_conv_in', 4)))).toBe('rank 16, UNet');
  expect(loraText(lora(product('lora_unet_conv_in', 4), { ss_base_model_version: 'sdxl_base_v1-0' }))).toContain('XL');
});

test('what fits nothing is listed: other names, other shapes, halves, a second time', () => {
  const good = { [`${MODULE}.lora_down.weight`]: [4, 768], [`${MODULE}.lora_up.weight`]: [320, 4] };
  const bad = {
    'bundle_emb.x.string_to_param.*': [2, 768],
    'lora_unet_nowhere.lora_down.weight': [4, 768],
    'lora_unet_nowhere.lora_up.weight': [320, 4],
    'lora_unet_conv_in.lora_down.weight': [4, 4, 3, 3],
    'lora_unet_conv_out.lora_down.weight': [4, 320, 1, 1],
    'lora_unet_conv_out.lora_up.weight': [4, 4, 1, 1],
    [`${MODULE.replace('lora_unet_', 'lycoris_')}.lora_down.weight`]: [4, 768],
    [`${MODULE.replace('lora_unet_', 'lycoris_')}.lora_up.weight`]: [320, 4],
    'lora_unet_mid_block_resnets_0_conv1.lora_down.weight': [0, 1280, 3, 3],
    'lora_unet_mid_block_resnets_0_conv1.lora_up.weight': [1280, 0, 1, 1],
    'lora_unet_mid_block_resnets_1_conv1.lora_down.weight': [4, 1280, 1, 1],
    'lora_unet_mid_block_resnets_1_conv1.lora_mid.weight': [4, 4, 1, 1],
    'lora_unet_mid_block_resnets_1_conv1.lora_up.weight': [1280, 4, 1, 1],
  };
  const fit = fitLora(lora({ ...good, ...bad }), targetsOf('sd1'));
  expect(fit.used).toBe(2);
  expect([...fit.unused].sort()).toEqual(Object.keys(bad).sort());
});

test('the alpha of diffusers’ metadata is the module’s own, else the network’s', () => {
  const name = 'unet.mid_block.attentions.0.transformer_blocks.0.attn1';
  const keys = Object.fromEntries(
    ['to_q', 'to_k'].flatMap((which) => [
      [`${name}.${which}.lora_A.weight`, [4, 1280]],
      [`${name}.${which}.lora_B.weight`, [1280, 4]],
    ]),
  );
  const metadata = (adapter: object) => ({ lora_adapter_metadata: JSON.stringify(adapter) });
  const of = (adapter: object) => {
    const { changes } = fitLora(lora(keys, metadata(adapter)), targetsOf('sd1'));
    return [...(changes.get('unet') ?? [])].map(([, { alpha }]) => alpha);
  };
  expect(of({})).toEqual([null, null]);
  const pattern = { 'attentions.0.transformer_blocks.0.attn1.to_k': 3 };
  expect(of({ 'unet.lora_alpha': 8, 'unet.alpha_pattern': pattern, 'unet.use_rslora': true, 'unet.r': 4 })).toEqual([
    { value: 8, byRoot: true },
    { value: 3, byRoot: true },
  ]);
  expect(() => of({ 'unet.alpha_pattern': { '.*to_k': 1 } })).toThrow(EngineError);
});

test('other kinds are refused by name, and so is what is no LoRA', async () => {
  const of = (key: string) => () => lora({ [key]: [4, 4] });
  expect(of('lora_unet_x.hada_w1_a')).toThrow(/kind LoHa, which Pagoda does not merge/);
  expect(of('lora_unet_x.lokr_w1')).toThrow(/kind LoKr/);
  expect(of('lora_unet_x.dora_scale')).toThrow(/kind DoRA/);
  expect(of('unet.x.lora_magnitude_vector')).toThrow(/kind DoRA/);
  expect(of('oft_unet_x.oft_blocks')).toThrow(/kind OFT/);
  expect(of('lora_unet_x.diff')).toThrow(/full weights/);
  const flux = 'transformer.single_transformer_blocks.0.attn.to_q.lora_';
  expect(() => lora({ [`${flux}A.weight`]: [4, 4], [`${flux}B.weight`]: [4, 4] })).toThrow(/such as Flux/);
  expect(() => loraOf(headerOf(fileShapes(real['sd1']!)))).toThrow(/is no LoRA/);
  await expect(readLora(new Blob(['<!DOCTYPE html>']))).rejects.toMatchObject({ code: 'lora-invalid' });
  await expect(readLora(fileOf('{"a":1}'))).rejects.toMatchObject({ code: 'lora-invalid' });
  expect(() => identify({ tensors: new Map([[`${MODULE}.alpha`, {} as StoredTensor]]), metadata: new Map() })).toThrow(
    /A LoRA is not a whole model/,
  );
});

test('a LoRA of any kind is told from models and their parts, one with keys of LoRA in it too', async () => {
  const is = (keys: readonly string[]) =>
    holdsLora({ tensors: new Map(keys.map((key) => [key, {} as StoredTensor])), metadata: new Map() });
  for (const name of ['peft', 'old']) expect(holdsLora(await readHeader(loraFile(name)))).toBe(true);
  for (const key of ['hada_w1_a', 'lokr_w1', 'oft_blocks', 'lora_down.weight'])
    expect(is([`${MODULE}.alpha`, `${MODULE}.${key}`]), key).toBe(true);
  for (const family of families) {
    const { file, parts } = real[family]!;
    for (const keys of [file, ...Object.values(parts)]) expect(is(Object.keys(keys)), family).toBe(false);
  }
  expect(is([...Object.keys(fileShapes(real['sd1']!)), `${MODULE}.lora_up.weight`])).toBe(false);
});

test('a damaged LoRA ends with an error of its own kind, or with less that fits', async () => {
  const whole = new Uint8Array(await loraFile('peft', 'F16').arrayBuffer());
  const length = Number(new DataView(whole.buffer).getBigUint64(0, true));
  const targets = targetsOf('sd1');
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  let failed = 0;
  for (let round = 0; round < 100; round += 1) {
    const bytes = whole.slice(0, random(4) === 0 ? random(whole.length) : whole.length);
    for (let flip = 0; flip <= random(4); flip += 1) bytes[random(length + 8)] = random(256);
    try {
      const fit = fitLora(await readLora(new Blob([bytes])), targets);
      expect(fit.used + fit.unused.length).toBeGreaterThan(0);
    } catch (error) {
      failed += 1;
      expect(error).toMatchObject({ name: 'EngineError', code: 'lora-invalid' });
    }
  }
  expect(failed).toBeGreaterThan(50);
});

test('an alpha that is no single number leaves its module out', () => {
  const keys = {
    [`${MODULE}.lora_down.weight`]: [4, 768],
    [`${MODULE}.lora_up.weight`]: [320, 4],
    [`${MODULE}.alpha`]: [4],
  };
  expect(() => lora(keys)).toThrow(/is no LoRA/);
});
