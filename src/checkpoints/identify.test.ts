// What checkpoints are and where their parameters lie, held to key tables that diffusers' classes gave and diffusers'
// conversion of single files agreed to (fixtures/checkpoints/make.py).

import { describe, expect, test } from 'vitest';
import {
  fileShapes,
  headerOf,
  partFile,
  real,
  singleFile,
  small,
  weight,
  type PartName,
  type Shape,
  type Stored,
  type Table,
} from '../../fixtures/checkpoints/golden';
import { CLIP_NETWORK, UNET_NETWORK, VAE_NETWORK } from '../configs/networkConfigs';
import { check } from '../configs/readJson';
import { seeded, type Random } from '../onnx/testing/mutate';
import { EngineError } from '../protocol/errors';
import { floatValues } from './floats';
import { identify, type Checkpoint, type Configs } from './identify';
import { bytesOf, scaleOf, type Sources, type TensorSource } from './tensorSources';
import { readHeader, type SafetensorsHeader, type StoredTensor } from './safetensors';
import { unetFromConfig, type UnetStructure } from './unetConfig';

/** Keys and parameters of the UNets, as counted in published checkpoints. */
const COUNTS: Readonly<Record<string, readonly [keys: number, parameters: number]>> = {
  sd1: [686, 859_520_964],
  'sd1-inpainting': [686, 859_535_364],
  'sd1-pix2pix': [686, 859_532_484],
  lcm: [687, 859_602_884],
  sd2: [686, 865_910_724],
  sdxl: [1680, 2_567_463_684],
  'ssd-1b': [944, 1_331_334_404],
  vega: [564, 745_225_604],
  'koala-700m': [584, 782_822_724],
  'small-sd': [442, 579_384_964],
  'bk-sdm-small': [396, 482_346_884],
  'tiny-sd': [358, 323_384_964],
  sdxs: [280, 315_746_244],
};
const NAMES: Readonly<Record<string, readonly [family: string, name: string]>> = {
  'sd1-inpainting': ['sd1', 'Stable Diffusion 1.x, inpainting'],
  'sd1-pix2pix': ['sd1', 'Stable Diffusion 1.x, pix2pix'],
  lcm: ['sd1', 'Stable Diffusion 1.x, LCM'],
  sdxl: ['sdxl', 'Stable Diffusion XL'],
  'ssd-1b': ['ssd-1b', 'SSD-1B'],
};
const FAMILIES = Object.entries(real).filter(([id]) => id !== 'refiner');

const product = (shape: Shape) => shape.reduce((all, size) => all * size, 1);
const shapesOf = (sources: Sources) => Object.fromEntries([...sources].map(([name, { shape }]) => [name, shape]));
const toldByConfigAlone = ({ sample_size, upcast_attention }: UnetStructure) => ({ sample_size, upcast_attention });
const sized = (shapes: Readonly<Record<string, Shape>> = {}) =>
  Object.values(shapes).reduce((all, shape) => all + product(shape), 0);

function configsOf({ configs }: Table): Record<PartName, Configs> {
  const of = (part: PartName) => configs[part] ?? {};
  return {
    unet: { unet: check(UNET_NETWORK, 'unet', of('unet')) },
    vae: { vae: check(VAE_NETWORK, 'vae', of('vae')) },
    text_encoder: { text: check(CLIP_NETWORK, 'text', of('text_encoder')) },
    text_encoder_2: { text: check(CLIP_NETWORK, 'text', of('text_encoder_2')) },
  };
}

function partsOf({ unet, vae, textEncoders }: Checkpoint) {
  return { unet, vae, text_encoder: textEncoders[0] ?? null, text_encoder_2: textEncoders[1] ?? null };
}

describe.each(FAMILIES)('%s', (id, table) => {
  const file = fileShapes(table);
  const [family, name] = NAMES[id] ?? [id, undefined];

  test('is known by its single file, and each parameter is where diffusers’ conversion takes it from', () => {
    const header = headerOf(file);
    const found = identify(header);
    expect(found.family?.id).toBe(family);
    if (name) expect(found.name).toBe(name);
    expect(found.unknown).toEqual([]);
    const [keys, parameters] = COUNTS[id] ?? [];
    if (keys) expect([found.unet?.sources.size, sized(table.parts.unet)]).toEqual([keys, parameters]);
    const parts = partsOf(found);
    for (const [part, shapes] of Object.entries(table.parts))
      expect(shapesOf(parts[part as PartName]?.sources ?? new Map()), part).toEqual(shapes);
    for (const [key, [, part, names, how]] of Object.entries(table.file)) {
      const tensor = header.tensors.get(key);
      names.forEach((one, at) => {
        const source = parts[part]?.sources.get(one);
        expect(source?.tensor, key).toBe(tensor);
        expect(source?.transposed ?? false, key).toBe(how === 'transpose');
        const rows = product(table.parts[part]?.[one]?.slice(0, 1) ?? []);
        expect(source?.rows, key).toEqual(how === 'stack' ? [at * rows, (at + 1) * rows] : undefined);
      });
    }
  });

  test('has the structure that its config.json says', () => {
    const wanted = unetFromConfig(configsOf(table).unet.unet ?? {});
    const { config } = identify(headerOf(file)).unet!;
    // diffusers takes the config of Stable Diffusion 2.1 for every file of 2.x.
    expect(config.upcast_attention).toBe(id === 'sd2');
    expect({ ...config, ...toldByConfigAlone(wanted) }).toEqual(wanted);
    const byConfig = identify(headerOf(table.parts.unet ?? {}), configsOf(table).unet);
    expect(byConfig.unet?.config).toEqual(wanted);
    expect(shapesOf(byConfig.unet?.sources ?? new Map())).toEqual(table.parts.unet);
  });

  test('is known by its UNet alone, in both namings', () => {
    const alone = Object.entries(file).filter(([key]) => key.startsWith('model.diffusion_model.'));
    const bare = alone.map(([key, shape]) => [key.slice('model.diffusion_model.'.length), shape] as const);
    for (const shapes of [table.parts.unet ?? {}, Object.fromEntries(alone), Object.fromEntries(bare)]) {
      const found = identify(headerOf(shapes));
      expect(found.family?.id).toBe(family);
      expect([found.vae, ...found.textEncoders.filter((part) => part !== null)]).toEqual([null]);
      expect(found.unknown).toEqual([]);
    }
  });
});

describe('parts', () => {
  test('have as many weights as published ones', () => {
    const counts = (family: string, part: PartName) => {
      const shapes = real[family]?.parts[part];
      return [Object.keys(shapes ?? {}).length, sized(shapes)];
    };
    expect(counts('sd1', 'text_encoder')).toEqual([196, 123_060_480]);
    expect(counts('sd2', 'text_encoder')).toEqual([372, 340_387_840]);
    expect(counts('sdxl', 'text_encoder_2')).toEqual([517, 694_659_840]);
    expect(counts('sd1', 'vae')).toEqual([248, 83_653_863]);
    expect(Object.keys(real['sd1']?.file ?? {})).toHaveLength(1131);
  });

  test.each<[string, PartName]>([
    ['sd1', 'vae'],
    ['sd1', 'text_encoder'],
    ['sd2', 'text_encoder'],
    ['sdxl', 'text_encoder_2'],
  ])('of %s alone: %s, with its config.json and without', (family, part) => {
    const table = real[family]!;
    for (const configs of [{}, configsOf(table)[part]]) {
      const found = identify(headerOf(table.parts[part] ?? {}), configs);
      expect(found.family).toBeNull();
      const [one] = [found.vae, ...found.textEncoders].filter((each) => each !== null);
      expect(shapesOf(one?.sources ?? new Map())).toEqual(table.parts[part]);
      expect(found.unknown).toEqual([]);
    }
  });

  test('have what shapes cannot tell from their family', () => {
    const of = (family: string) => identify(headerOf(fileShapes(real[family]!)));
    const [sd1, sd2, sdxl] = [of('sd1'), of('sd2'), of('sdxl')];
    expect(sd1.unet?.config.num_attention_heads).toEqual([8, 8, 8, 8]);
    expect(sd2.unet?.config.num_attention_heads).toEqual([5, 10, 20, 20]);
    expect(sd1.vae?.config).toMatchObject({ scaling_factor: 0.18215, block_out_channels: [128, 256, 512, 512] });
    expect(sdxl.unet?.config).toMatchObject({ addition_time_embed_dim: 256, sample_size: 128 });
    const text = [...sd1.textEncoders, ...sd2.textEncoders, ...sdxl.textEncoders].map((part) => [
      part?.config.hidden_act,
      part?.config.num_hidden_layers,
      part?.config.num_attention_heads,
      part?.config.projection_dim,
      part?.padTokenId,
    ]);
    expect(text).toEqual([
      ['quick_gelu', 12, 12, null, 49407],
      ['gelu', 23, 16, null, 0],
      ['quick_gelu', 12, 12, null, 49407],
      ['gelu', 32, 20, 1280, 0],
    ]);
  });

  test('a VAE of 2022 names its attention in the old way', () => {
    const old = { to_q: 'query', to_k: 'key', to_v: 'value', 'to_out.0': 'proj_attn' };
    const shapes = Object.entries(real['sd1']?.parts.vae ?? {}).map(([name, shape]) => {
      const [now, then] = Object.entries(old).find(([one]) => name.includes(`attentions.0.${one}.`)) ?? ['', ''];
      return [now ? name.replace(now, then) : name, shape] as const;
    });
    expect(identify(headerOf(Object.fromEntries(shapes))).vae?.sources.size).toBe(248);
  });

  test('a decoder alone is a VAE without an encoder', () => {
    const decoder = Object.entries(real['sd1']?.parts.vae ?? {}).filter(([name]) => /^(decoder|post_quant)/.test(name));
    const { vae } = identify(headerOf(Object.fromEntries(decoder)));
    expect([vae?.config.halves, vae?.sources.size]).toEqual([['decoder'], decoder.length]);
  });
});

describe('small models hold the weights that they are named for', () => {
  async function valuesOf(file: Blob, source: TensorSource): Promise<Float32Array> {
    const { offset, length } = bytesOf(source);
    const values = floatValues(
      source.tensor.dtype,
      new Uint8Array(await file.slice(offset, offset + length).arrayBuffer()),
    );
    const [rows = 1, columns = 1] = source.shape;
    if (!source.transposed) return values as Float32Array;
    return Float32Array.from(
      { length: rows * columns },
      (_, at) => values?.[(at % columns) * rows + Math.floor(at / columns)] ?? NaN,
    );
  }

  test.each<[string, Stored | PartName]>([
    ['sd1', 'F16'],
    ['sd2', 'F32'],
    ['sdxl', 'BF16'],
    ['ssd-1b', 'unet'],
  ])('%s as %s', async (id, form) => {
    const table = small[id]!;
    const alone = form === 'unet';
    const file = alone ? partFile(table, 'unet') : singleFile(table, form as Stored);
    const found = identify(await readHeader(file), alone ? configsOf(table).unet : {});
    expect(found.unknown).toEqual([]);
    if (!alone) expect(found.dtype).toBe(form);
    const parts = partsOf(found);
    const wrong: string[] = [];
    for (const [part, shapes] of Object.entries(alone ? { unet: table.parts.unet ?? {} } : table.parts)) {
      const sources = parts[part as PartName]?.sources;
      expect(Object.keys(shapes).sort()).toEqual([...(sources?.keys() ?? [])].sort());
      for (const [name, source] of sources ?? []) {
        if (name.includes('token_embedding')) continue; // millions of numbers, which lie as all others do
        const [values, made] = [await valuesOf(file, source), weight(name, source.shape)];
        if (!Buffer.from(values.buffer).equals(Buffer.from(made.buffer))) wrong.push(name);
      }
    }
    expect(wrong).toEqual([]);
    const wanted = unetFromConfig(configsOf(table).unet.unet ?? {});
    expect({ ...found.unet?.config, ...toldByConfigAlone(wanted) }).toEqual(wanted);
  });
});

describe('files as merges and trainers leave them', () => {
  const table = real['sd1']!;
  const file = fileShapes(table);

  test('copies of averaged weights, leftovers and markers are of no use, what else is there is listed', () => {
    const ema = Object.keys(file).flatMap((key) =>
      key.startsWith('model.') ? [[`model_ema.${key.slice(6).replaceAll('.', '')}`, file[key] ?? []] as const] : [],
    );
    const more = {
      'model_ema.decay': [],
      betas: [1000],
      sqrt_alphas_cumprod: [1000],
      'first_stage_model.loss.logvar': [],
      'cond_stage_model.logit_scale': [],
      'denoiser.sigmas': [1000],
      v_pred: [0],
      'model.diffusion_model.stranger.weight': [3],
      'hypernet.weight': [1],
    };
    const found = identify(headerOf({ ...file, ...Object.fromEntries(ema), ...more }));
    expect(found.unknown).toEqual(['model.diffusion_model.stranger.weight', 'hypernet.weight']);
    expect(found.bytes).toBe(2 * (859_520_964 + 123_060_480 + 83_653_863));
  });

  test('CLIP-L without text_model. in its names', () => {
    const early = Object.entries(file).map(([key, shape]) => [key.replace('.text_model.', '.'), shape] as const);
    expect(identify(headerOf(Object.fromEntries(early))).textEncoders[0]?.sources.size).toBe(196);
  });

  test('SD 2 under the names of SD-Turbo’s file, which are those of the refiner', () => {
    const renamed = Object.entries(fileShapes(real['sd2']!)).map(
      ([key, shape]) => [key.replace('cond_stage_model.model.', 'conditioner.embedders.0.model.'), shape] as const,
    );
    const found = identify(headerOf(Object.fromEntries(renamed)));
    expect([found.family?.id, found.textEncoders[0]?.sources.size, found.unknown]).toEqual(['sd2', 372, []]);
  });

  test('matrices as convolutions of one pixel, and the other way round', () => {
    const swapped = Object.entries(file).map(([key, shape]): [string, Shape] => [
      key,
      /proj_(in|out)\.weight|attn_1\.q\.weight/.test(key)
        ? shape.slice(0, 2)
        : /to_q\.weight/.test(key)
          ? [...shape, 1, 1]
          : shape,
    ]);
    const found = identify(headerOf(Object.fromEntries(swapped)));
    expect(found.family?.id).toBe('sd1');
    expect(shapesOf(found.vae?.sources ?? new Map())).toEqual(table.parts.vae);
    expect(found.unet?.sources.get('down_blocks.0.attentions.0.proj_in.weight')?.shape).toEqual([320, 320]);
  });

  test('a depth that nobody published runs as its shapes say', () => {
    const cut = Object.entries(real['sdxl']?.parts.unet ?? {}).filter(
      ([name]) => !/^down_blocks\.2\.attentions\.1\.transformer_blocks\.[789]\./.test(name),
    );
    const found = identify(headerOf(Object.fromEntries(cut)));
    expect(found.name).toBe('Stable Diffusion XL, of another depth');
    expect(found.unet?.config.transformer_layers_per_block).toEqual([
      [0, 0],
      [2, 2],
      [10, 7],
    ]);
  });

  const without = (pattern: RegExp) => Object.fromEntries(Object.entries(file).filter(([key]) => !pattern.test(key)));
  test.each<[string, Record<string, Shape>, string]>([
    ['UNet', without(/output_blocks\.5\.1\.norm\.bias/), 'UNet is not whole: 1 of its weights'],
    ['UNet', without(/input_blocks\.0\.0\.bias/), 'UNet is not whole'],
    ['VAE', without(/decoder\.mid\.attn_1\.k/), 'VAE is not whole: 2 of its weights'],
    ['text encoder', without(/layers\.3\.self_attn\.q_proj/), 'text encoder is not whole: 2 of'],
    [
      'UNet',
      { ...file, 'model.diffusion_model.middle_block.1.proj_out.bias': [2 ** 40] },
      'UNet has weights that do not fit together',
    ],
  ])('a damaged %s is named', (_, shapes, message) => {
    expect(() => identify(headerOf(shapes))).toThrow(message);
  });

  test('weights of a type that is none are refused', () => {
    expect(() => identify(headerOf(file, 'I64'))).toThrow('do not fit together');
  });
});

describe('refused by name', () => {
  const sdxl = real['sdxl']?.parts.unet ?? {};
  const merged = {
    'unet.conv_in.weight': [320, 4, 3, 3],
    'unet.down_blocks.0.resnets.0.conv1.weight': [320, 320, 3, 3],
  };
  test.each<[string, Record<string, Shape>]>([
    ['Stable Diffusion 3', { 'model.diffusion_model.joint_blocks.0.context_block.adaLN_modulation.1.bias': [9216] }],
    ['Flux', { 'double_blocks.0.img_attn.norm.key_norm.scale': [128] }],
    ['Flux.2', { 'single_stream_modulation.lin.weight': [1], 'double_blocks.0.img_attn.norm.key_norm.scale': [1] }],
    ['Chroma', { 'model.diffusion_model.distilled_guidance_layer.in_proj.bias': [1] }],
    ['Stable Video Diffusion', { 'model.diffusion_model.input_blocks.1.0.time_stack.in_layers.0.weight': [320] }],
    ['makes videos', { ...merged, 'unet.down_blocks.0.motion_modules.0.norm.weight': [320] }],
    ['Stable Cascade', { 'clip_txt_mapper.weight': [1] }],
    ['HunyuanVideo', { 'txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias': [1] }],
    ['Wan', { 'head.modulation': [1] }],
    ['LTX-Video', { 'model.diffusion_model.patchify_proj.weight': [1] }],
    ['Kolors', { ...sdxl, 'encoder_hid_proj.weight': [2048, 4096] }],
    ['Playground v2.5', { ...sdxl, edm_mean: [4], edm_std: [4] }],
    ['CosXL', { ...sdxl, 'edm_vpred.sigma_max': [] }],
    ['refiner', real['refiner']?.parts.unet ?? {}],
    ['refiner', fileShapes(real['refiner']!)],
    ['upscaler of Stable Diffusion 2', { ...(real['sd2']?.parts.unet ?? {}), 'conv_in.weight': [320, 7, 3, 3] }],
    ['with depth', { ...(real['sd2']?.parts.unet ?? {}), 'conv_in.weight': [320, 5, 3, 3] }],
    ['other inputs', { ...(real['sd2']?.parts.unet ?? {}), 'conv_in.weight': [320, 12, 3, 3] }],
    ['ControlNet', { ...fileShapes(real['sd1']!), 'control_model.time_embed.0.weight': [1280, 320] }],
    ['ControlNet', { 'controlnet_cond_embedding.conv_in.weight': [16, 3, 3, 3], ...real['sd1']?.parts.unet }],
    ['LoRA', { 'lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight': [4, 320] }],
    ['LoRA', { 'unet.down_blocks.0.attentions.0.proj_in.lora_A.weight': [4, 320] }],
    ['IP-Adapter', { 'image_proj.proj.weight': [1] }],
    ['T2I-Adapter', { 'body.0.block1.weight': [1] }],
    ['TAESD', { 'decoder.layers.0.weight': [64, 4, 3, 3] }],
    ['upscaler (ESRGAN)', { 'model.0.weight': [64, 3, 3, 3] }],
    ['textual inversion', { emb_params: [4, 768] }],
    ['textual inversion', { '<cat-toy>': [768] }],
    ['textual inversion', { clip_l: [2, 768], clip_g: [2, 1280] }],
    ['VAE of another kind', { ...real['sd1']?.parts.vae, 'decoder.conv_in.weight': [512, 16, 3, 3] }],
    ['scaled in a way', { ...sdxl, 'model.diffusion_model.input_blocks.0.0.scale_weight': [2] }],
    ['no model that Pagoda knows', { 'something.else': [4] }],
    ['no model that Pagoda knows', {}],
  ])('%s', (name, shapes) => {
    try {
      identify(headerOf(shapes));
    } catch (error) {
      expect(error).toBeInstanceOf(EngineError);
      expect((error as EngineError).code).toBe('model-invalid');
      expect((error as EngineError).message).toContain(name);
      return;
    }
    throw new Error('It was taken.');
  });

  test.each<[string, object]>([
    ['class_embed_type', { class_embed_type: 'timestep' }],
    ['only_cross_attention', { only_cross_attention: [true, false] }],
    ['resnet_time_scale_shift', { resnet_time_scale_shift: 'scale_shift' }],
    ['flip_sin_to_cos', { flip_sin_to_cos: false }],
    [
      'block types',
      { down_block_types: ['SimpleCrossAttnDownBlock2D'], up_block_types: ['UpBlock2D'], block_out_channels: [320] },
    ],
    ['mid_block_type', { mid_block_type: 'UNetMidBlock2DSimpleCrossAttn' }],
    ['layers_per_block', { layers_per_block: [2, 1] }],
    ['transformer_layers_per_block', { transformer_layers_per_block: [1] }],
    ['attention_head_dim', { attention_head_dim: [5, 10] }],
  ])('a config.json by its field %s', (field, json) => {
    try {
      unetFromConfig(check(UNET_NETWORK, 'unet/config.json', json));
    } catch (error) {
      expect((error as EngineError).detail).toContain(field);
      return;
    }
    throw new Error('It was taken.');
  });
});

describe('hostile shapes and names', () => {
  const CASES = Math.ceil(Number(process.env['FUZZ_CASES'] ?? 2000) / 10);
  const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
  const GOOD = [fileShapes(small['tiny-sd']!), small['ssd-1b']?.parts.unet ?? {}, real['sd1']?.parts.vae ?? {}];

  /** Tensors lost, renamed, numbered otherwise, and of other shapes. */
  function damaged(random: Random): Record<string, Shape> {
    const entries = Object.entries(GOOD[random(GOOD.length)] ?? {}).map(
      ([key, shape]) => [key, [...shape]] as [string, number[]],
    );
    for (let count = random(4); count > 0; count -= 1) {
      const entry = entries[random(entries.length)] ?? ['', []];
      const kind = random(6);
      if (kind === 0) entries.splice(random(entries.length), 1);
      else if (kind === 1) entry[0] = entry[0].replace(/\d+/, String(random(12)));
      else if (kind === 2)
        entry[0] = entries[random(entries.length)]?.[0].replace(/\d+(?=\D*$)/, String(random(99))) ?? '';
      else if (kind === 3) entry[1][random(4)] = random(3) ? random(400) : 2 ** 52;
      else if (kind === 4) entry[1].splice(random(4));
      else entry[1].push(random(3));
    }
    return Object.fromEntries(entries.map(([key, shape]) => [key, [...shape].map((size) => size || 1)]));
  }

  const SCALES = ['.weight_scale', '.scale_weight', '.scale', '.weight_scale_2', '.comfy_quant', '.svd_up'];
  const DTYPES = ['F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E8M0', 'U8'] as const;

  /** The same in f8 with scales beside some weights: mostly one for all or one a row, and any other. */
  function scaled(random: Random): SafetensorsHeader {
    const { tensors: all, metadata } = headerOf(random(3) ? GOOD[random(GOOD.length)]! : damaged(random), 'F8_E4M3');
    const tensors = new Map<string, StoredTensor>(all);
    const weights = [...tensors].filter(([key, { shape }]) => key.endsWith('.weight') && shape.length > 1);
    for (let count = random(40); count > 0; count -= 1) {
      const [key = '', weight] = weights[random(weights.length)] ?? [];
      const [rows = 1, ...others] = weight?.shape ?? [];
      const usual = [[], [1], [rows], [rows, 1], [rows, ...others.map(() => 1)]][random(5)]!;
      const odd = [[rows + 1], [rows, 2], [...others], [2 ** 52, 1], [0]][random(5)]!;
      const [end, dtype] = random(9)
        ? [SCALES[random(3)]!, DTYPES[random(3)]!]
        : [SCALES[random(6)]!, DTYPES[random(6)]!];
      const shape = random(60) ? usual : odd;
      tensors.set(key.replace(/\.weight$/, end), { dtype, shape, offset: 2 ** 40, length: 4 });
    }
    return { tensors, metadata };
  }

  test(
    `${CASES} files from seed ${SEED} are identified or refused`,
    () => {
      const count = { taken: 0, refused: 0 };
      for (let at = 0; at < CASES; at += 1) {
        try {
          identify(headerOf(damaged(seeded(SEED + at))));
          count.taken += 1;
        } catch (cause) {
          if (!(cause instanceof EngineError)) throw new Error(`Seed ${SEED + at}`, { cause });
          count.refused += 1;
        }
      }
      expect(Math.min(count.taken, count.refused), JSON.stringify(count)).toBeGreaterThan(CASES / 20);
    },
    Infinity,
  );

  test(
    `${CASES} files with scales from seed ${SEED} are identified or refused, and each scale that is read fits its rows`,
    () => {
      const count = { taken: 0, refused: 0, rows: 0 };
      for (let at = 0; at < CASES; at += 1) {
        try {
          const { unet, vae, textEncoders } = identify(scaled(seeded(SEED + at)));
          count.taken += 1;
          for (const part of [unet, vae, ...textEncoders])
            for (const source of part?.sources.values() ?? []) {
              const scale = scaleOf(source);
              if (!scale || scale.count === 1) continue;
              count.rows += 1;
              const [first, last] = source.rows ?? [0, source.tensor.shape[0]!];
              if (scale.count !== last - first) throw new Error(`${scale.count} scales for rows ${first} to ${last}`);
            }
        } catch (cause) {
          if (!(cause instanceof EngineError)) throw new Error(`Seed ${SEED + at}`, { cause });
          count.refused += 1;
        }
      }
      const least = Math.min(count.taken, count.refused, count.rows);
      expect(least, JSON.stringify(count)).toBeGreaterThan(CASES / 20);
    },
    Infinity,
  );

  test('a file does not decide how much is made of it: 40,000 levels of 40,000 resnets', () => {
    const many = Array.from({ length: 40_000 }, (_, at) => [
      [`down_blocks.${at}.resnets.0.conv1.weight`, [1]],
      [`down_blocks.${at}.resnets.0.conv2.weight`, [1]],
      [`down_blocks.0.resnets.${at}.conv1.weight`, [1]],
    ]).flat() as [string, Shape][];
    const shapes = {
      'conv_in.weight': [320, 4, 3, 3],
      'mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight': [1, 768],
    };
    expect(() => identify(headerOf({ ...shapes, ...Object.fromEntries(many) }))).toThrow('UNet is not whole');
  });
});
