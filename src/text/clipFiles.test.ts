// Ids from vocab.json and merges.txt equal those of transformers' CLIPTokenizer on the same two files.

import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { clipTokenizerJson } from './clipFiles';
import { PromptTokenizer } from './tokenizer';

const read = (name: string) => readFileSync(`fixtures/text/clip/${name}`, 'utf8');
const vocab = JSON.parse(read('vocab.json')) as Record<string, number>;
const golden = JSON.parse(read('golden.json')) as {
  max_length: number;
  goldens: Record<string, { pad: string; ids: Record<string, number[]> }>;
};

describe.each(Object.entries(golden.goldens))('padded with %s', (_, { pad, ids }) => {
  const config = { model_max_length: golden.max_length, pad_token: pad };
  const tokenizer = new PromptTokenizer(clipTokenizerJson(vocab, read('merges.txt'), config), config);
  test.each(Object.entries(ids))('“%s”', (prompt, expected) => {
    expect(tokenizer.encode(prompt)).toEqual(expected);
  });
});

it('takes an AddedToken record, and files with Windows line ends', () => {
  const config = { model_max_length: golden.max_length, pad_token: { content: '!' } };
  const tokenizer = new PromptTokenizer(
    clipTokenizerJson(vocab, read('merges.txt').replaceAll('\n', '\r\n'), config),
    config,
  );
  expect(tokenizer.encode('red cat')).toEqual(golden.goldens['exclamation']?.ids['red cat']);
});

it('refuses files that are not a CLIP vocabulary', () => {
  expect(() => clipTokenizerJson({ a: 1 }, '', {})).toThrow('tokenizer cannot be read');
  expect(() => clipTokenizerJson(vocab, 'a b c', {})).toThrow('tokenizer cannot be read');
});
