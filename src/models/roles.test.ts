// Roles and needed files of the layouts that exporters write, from lists of paths alone.

import { describe, expect, it } from 'vitest';
import { findRoles, missingRoles, neededPaths } from './roles';

const COMMON = [
  'model_index.json',
  'scheduler/scheduler_config.json',
  'tokenizer/vocab.json',
  'tokenizer/merges.txt',
  'tokenizer/tokenizer_config.json',
];
const SINGLE = [
  ...COMMON,
  'text_encoder/model.onnx',
  'unet/model.onnx',
  'unet/config.json',
  'vae_decoder/model.onnx',
  'vae_decoder/config.json',
];
const needed = (paths: readonly string[]) => neededPaths(paths, findRoles(paths));

it('needs every file of a plain folder, and nothing else of its repository', () => {
  const others = [
    'README.md',
    '.gitattributes',
    'unet/diffusion_pytorch_model.safetensors',
    'vae/diffusion_pytorch_model.safetensors',
    'safety_checker/model.onnx',
    'unet/notes.txt',
  ];
  expect(missingRoles(findRoles([...SINGLE, ...others]))).toEqual([]);
  expect(needed([...SINGLE, ...others])).toEqual([...SINGLE].sort());
});

it('takes a VAE’s encoder where there is one; weights hold it in the file of the decoder', () => {
  const encoder = ['vae_encoder/model.onnx', 'vae_encoder/model.onnx_data'];
  expect(needed([...SINGLE, ...encoder])).toEqual([...SINGLE, ...encoder].sort());
  const stored = ['text_encoder/model.safetensors', 'text_encoder/config.json', 'vae/config.json', 'unet/config.json'];
  const weights = ['unet', 'vae'].map((part) => `${part}/diffusion_pytorch_model.safetensors`);
  const all = [...COMMON, ...stored, ...weights];
  expect(missingRoles(findRoles(all))).toEqual([]);
  expect(needed([...all, ...encoder])).toEqual(all.sort());
});

describe.each([
  ['one file, as Optimum names it', ['unet/model.onnx_data']],
  ['one file, as torch names it', ['unet/model.onnx.data']],
  ['one file of its own name', ['unet/weights.pb']],
  ['a file a tensor', ['unet/onnx__MatMul_7042', 'unet/time_embedding.linear_1.weight']],
])('external weights: %s', (_, weights) => {
  it('are needed', () => {
    expect(needed([...SINGLE, ...weights])).toEqual([...SINGLE, ...weights].sort());
  });
});

it('leaves the weights of another graph in the same folder', () => {
  const paths = [...SINGLE, 'unet/model.onnx_data', 'unet/model_fp16.onnx', 'unet/model_fp16.onnx_data'];
  expect(needed(paths)).toEqual([...SINGLE, 'unet/model.onnx_data'].sort());
});

it('takes named files before usual ones, and does not invent them', () => {
  expect(findRoles([...SINGLE, 'odd.onnx'], { unet: 'odd.onnx' }).unet).toBe('odd.onnx');
  expect(findRoles(SINGLE, { unet: 'absent.onnx' }).unet).toBeUndefined();
});

it('names what is missing, of one text encoder and of two', () => {
  expect(missingRoles(findRoles(SINGLE.filter((path) => !/vae|merges/.test(path))))).toEqual([
    'vae_decoder/model.onnx',
    'tokenizer/tokenizer.json (or vocab.json and merges.txt)',
  ]);
  expect(missingRoles(findRoles([...SINGLE, 'text_encoder_2/model.onnx']))).toEqual([
    'tokenizer_2/vocab.json and merges.txt',
  ]);
});

describe('.safetensors', () => {
  const COMMON_DIFFUSERS = [...COMMON, 'text_encoder/config.json', 'unet/config.json', 'vae/config.json'];
  const UNET = 'unet/diffusion_pytorch_model';
  const VAE = 'vae/diffusion_pytorch_model';
  const TEXT = 'text_encoder/model';
  const both = [UNET, VAE, TEXT].flatMap((stem) => [`${stem}.safetensors`, `${stem}.fp16.safetensors`]);
  const others = [UNET, VAE].flatMap((stem) => [`${stem}.bin`, `${stem}.fp16.bin`, `${stem}.non_ema.safetensors`]);
  const rest = [...others, 'safety_checker/model.safetensors', 'v1-5-pruned.safetensors', 'vae_encoder/model.onnx'];

  it('takes the fp16 files where there are two kinds, and nothing twice', () => {
    const fp16 = [UNET, VAE, TEXT].map((stem) => `${stem}.fp16.safetensors`);
    const paths = [...COMMON_DIFFUSERS, ...both, ...rest];
    expect(missingRoles(findRoles(paths))).toEqual([]);
    expect(needed(paths)).toEqual([...COMMON_DIFFUSERS, ...fp16].sort());
    expect(needed([...paths, 'tokenizer/tokenizer.json'])).not.toContain('tokenizer/merges.txt');
  });

  it.each([
    ['plain before others', ['.bf16.safetensors', '.non_ema.safetensors', '.safetensors'], '.safetensors'],
    ['what there is', ['.non_ema.safetensors'], '.non_ema.safetensors'],
    [
      'one file before several',
      ['.safetensors.index.json', '.safetensors', '-00001-of-00002.safetensors'],
      '.safetensors',
    ],
    [
      'an index as diffusers names it',
      ['.safetensors.index.fp16.json', '.safetensors.index.json', '-00001-of-00002.safetensors'],
      '.safetensors.index.fp16.json',
    ],
    [
      'one as transformers does',
      ['.safetensors.index.json', '.fp16.safetensors.index.json'],
      '.fp16.safetensors.index.json',
    ],
  ])('%s', (_, endings, taken) => {
    expect(findRoles(endings.map((ending) => UNET + ending)).unet).toBe(UNET + taken);
  });

  it('takes a whole ONNX export first, whole .safetensors before a mixture, and a mixture last', () => {
    const plain = both.filter((path) => !path.includes('fp16'));
    const exported = findRoles([...SINGLE, ...plain, 'vae/config.json']);
    expect([exported.unet, exported.vaeConfig]).toEqual(['unet/model.onnx', 'vae_decoder/config.json']);
    const part = ['unet/model.onnx', 'vae_decoder/config.json', ...COMMON_DIFFUSERS];
    const stored = findRoles([...part, ...plain]);
    expect([stored.unet, stored.vaeConfig]).toEqual([`${UNET}.safetensors`, 'vae/config.json']);
    const mixed = findRoles([...part, `${VAE}.safetensors`, `${TEXT}.safetensors`]);
    expect([mixed.unet, mixed.vaeDecoder, mixed.vaeConfig]).toEqual([
      'unet/model.onnx',
      `${VAE}.safetensors`,
      'vae/config.json',
    ]);
    expect(missingRoles(mixed)).toEqual([]);
  });

  it('names the file that is missing', () => {
    const paths = [...COMMON_DIFFUSERS, ...both].filter((path) => !/^(vae\/diff|scheduler)/.test(path));
    expect(missingRoles(findRoles(paths))).toEqual([`${VAE}.safetensors`, 'scheduler/scheduler_config.json']);
  });
});
