// Ids of the whole vocabulary, as transformers' CLIPTokenizer and OpenAI's code give them.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { clipTokenizer } from './clipVocabulary';
import { PromptTokenizer } from './tokenizer';

const merges = readFileSync('public/clip/merges.txt', 'utf8');
const encoder = (pad: 49407 | 0) => {
  const { tokenizer, tokenizerConfig } = clipTokenizer(merges, pad);
  return new PromptTokenizer(tokenizer, tokenizerConfig);
};
const clip = encoder(49407);

test.each([
  ['a photo of a cat', [320, 1125, 539, 320, 2368]],
  ['masterpiece, best quality, 1girl', [12066, 267, 949, 3027, 267, 272, 1611]],
  ['An (important) word', [550, 263, 2829, 264, 2653]],
  ['café naïve 🙂', [15304, 1097, 35689, 563, 14860]],
  ["it's 2024, isn't it?", [585, 568, 273, 271, 273, 275, 267, 2923, 713, 585, 286]],
  ['hello world!!', [3306, 1002, 748]],
])('“%s”', (prompt, ids) => {
  const filling = Array.from({ length: 77 - ids.length - 2 }, () => 49407);
  expect(clip.encode(prompt)).toEqual([49406, ...ids, 49407, ...filling]);
});

test('OpenCLIP fills up with 0', () => {
  expect(encoder(0).encode('a').slice(0, 5)).toEqual([49406, 320, 49407, 0, 0]);
});
