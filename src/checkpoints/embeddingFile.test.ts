// What an embedding's file is told to be, and what is none.

import { expect, test } from 'vitest';
import { embeddingText, embeddingVectors, readEmbedding } from './embeddingFile';
import { fileOf, safetensorsFile, type Entry } from './testing/safetensorsFile';

const entry = (shape: readonly number[], dtype: Entry['dtype'] = 'F32', fill = 0): Entry => {
  const bytes = new Uint8Array((dtype === 'F32' ? 4 : 2) * shape.reduce((all, size) => all * size, 1)).fill(fill);
  return { dtype, shape, bytes };
};
const file = (entries: Readonly<Record<string, Entry>>) => safetensorsFile(new Map(Object.entries(entries)));

test.each<[string, Readonly<Record<string, Entry>>]>([
  ['8 vectors, for Stable Diffusion 1.x', { emb_params: entry([8, 768], 'F16') }],
  ['1 vector, for Stable Diffusion 2.x', { '<cat>': entry([1024], 'BF16') }],
  ['2 vectors, for Stable Diffusion XL', { clip_g: entry([2, 1280]), clip_l: entry([2, 768]) }],
  ['1 vector', { 'string_to_param.*': entry([1, 128]) }],
])('%s', async (text, entries) => {
  expect(embeddingText(await readEmbedding(file(entries)))).toBe(text);
});

test.each<[string, Blob]>([
  ['no textual inversion embedding', file({ a: entry([1, 768]), b: entry([1, 768]) })],
  ['no textual inversion embedding', file({ clip_g: entry([1, 1280]), clip_l: entry([1, 768]), more: entry([1]) })],
  ['no textual inversion embedding', file({ a: entry([2, 2, 2]) })],
  ['no textual inversion embedding', file({ a: entry([300, 4]) })],
  ['no textual inversion embedding', file({ a: entry([0, 768]) })],
  ['no textual inversion embedding', file({ a: { dtype: 'I64', shape: [2], bytes: new Uint8Array(16) } })],
  ['is a Python pickle (.ckpt, .pt, .bin)', new Blob([Uint8Array.of(0x80, 2, 0x7d, 0x71, 0, 0, 0, 0, 0)])],
  ['or a PyTorch checkpoint (.ckpt, .pt, .bin)', new Blob(['PK\x03\x04 and so on'])],
  ['is damaged', fileOf('{"a": {}}')],
])('%s', async (message, wrong) => {
  await expect(readEmbedding(wrong)).rejects.toMatchObject({
    code: 'embedding-invalid',
    message: expect.stringContaining(message) as string,
  });
});

test('vectors that are no numbers are refused', async () => {
  await expect(embeddingVectors(file({ a: entry([2], 'F32', 0xff) }))).rejects.toThrow('values that are no numbers');
});
