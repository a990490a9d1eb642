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
    'vae_encoder/model.onnx',
    'safety_checker/model.onnx',
    'unet/notes.txt',
  ];
  expect(missingRoles(findRoles([...SINGLE, ...others]))).toEqual([]);
  expect(needed([...SINGLE, ...others])).toEqual([...SINGLE].sort());
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
