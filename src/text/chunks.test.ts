// Where chunks end: A1111's by its rules (a comma at most 20 back), ComfyUI's by its groups.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { clipTokenizer } from './clipVocabulary';
import { promptChunks } from './promptChunks';
import { PromptTokenizer, type Slots } from './tokenizer';
import { splitAtNames } from '../models/embeddingWords';
import type { Emphasis } from '../prompt/pieces';

const merges = readFileSync('public/clip/merges.txt', 'utf8');
const tokenizerOf = (pad: 49407 | 0) => {
  const { tokenizer, tokenizerConfig } = clipTokenizer(merges, pad);
  return new PromptTokenizer(tokenizer, tokenizerConfig);
};
const clip = tokenizerOf(49407);
const [BOS, EOS, CAT, COMMA] = [49406, 49407, 2368, 267];

interface Named extends Slots {
  readonly name: string;
}
/** “word3” stands for three vectors. */
const NAMES = ['word3', 'word9', 'word80'];
const split = (words: string) =>
  splitAtNames(words, NAMES).map((part) =>
    typeof part === 'string' ? part : { name: part.name, tokens: Number(part.name.slice(4)) },
  );
const chunks = (prompt: string, emphasis: Emphasis, tokenizer = clip) =>
  promptChunks<Named>(tokenizer, prompt, { emphasis, split });
/** Tokens in each chunk, without BOS and from the first EOS on. */
const counts = (prompt: string, emphasis: Emphasis) => chunks(prompt, emphasis).map(({ ids }) => ids.indexOf(EOS) - 1);
const cats = (count: number) => Array.from({ length: count }, () => 'cat').join(' ');

describe('A1111', () => {
  test.each([
    ['', [0]],
    [cats(75), [75]],
    [cats(76), [75, 1]],
    [`${cats(53)} , ${cats(30)}`, [75, 9]],
    [`${cats(54)} , ${cats(30)}`, [75, 10]],
    [`${cats(55)} , ${cats(30)}`, [56, 30]],
    [`${cats(60)} , ${cats(20)}`, [61, 20]],
    [`${cats(75)} , cat`, [75, 2]],
    [`${cats(70)} , ${cats(4)} BREAK cat`, [75, 1]],
    ['BREAK cat', [0, 1]],
    ['cat BREAK', [1]],
    ['cat BREAK BREAK cat', [1, 0, 1]],
    // Embeddings move whole; a comma takes what is behind it along when the chunk is full.
    [`${cats(73)} word3`, [73, 3]],
    [`${cats(72)} word3`, [75]],
    [`${cats(65)} , ${cats(9)} word3`, [66, 12]],
    ['word80', [75, 5]],
  ])('%s', (prompt, expected) => {
    expect(counts(prompt, 'a1111')).toEqual(expected);
  });

  test('weights of tokens, 1 for the special ones and the padding', () => {
    const [chunk] = chunks('a (red:1.3) cat, [blue] ((sky))', 'a1111');
    const told = chunk!.ids.map((id, at) => [id, Math.round((chunk!.weights?.[at] ?? 1) * 1e6) / 1e6]);
    const first = [
      [BOS, 1],
      [320, 1],
      [736, 1.3],
      [CAT, 1],
      [COMMA, 1],
      [1746, 0.909091],
      [2390, 1.21],
    ];
    expect(told).toEqual([...first, ...Array.from({ length: 70 }, () => [EOS, 1])]);
  });

  test('BREAK pads at once', () => {
    const [one, other, ...none] = chunks('a photo BREAK (cat:1.2)', 'a1111');
    expect(one).toEqual({ ids: [BOS, 320, 1125, ...Array.from({ length: 74 }, () => EOS)], weights: null });
    expect(other!.ids).toEqual([BOS, CAT, ...Array.from({ length: 75 }, () => EOS)]);
    expect(other!.weights).toEqual([1, 1.2, ...Array.from({ length: 75 }, () => 1)]);
    expect(none).toEqual([]);
  });

  test('OpenCLIP’s padding behind the first end is 0', () => {
    for (const { ids } of chunks(`${cats(75)} BREAK cat`, 'a1111', tokenizerOf(0))) {
      const end = ids.indexOf(EOS);
      expect(ids).toHaveLength(77);
      expect(ids.slice(end + 1)).toEqual(Array.from({ length: 76 - end }, () => 0));
    }
  });

  test('no more chunks than there is room for', () => {
    expect(promptChunks(clip, cats(200), { emphasis: 'a1111', split, most: 2 })).toHaveLength(2);
  });
});

describe('ComfyUI', () => {
  test.each([
    ['', [0]],
    [cats(75), [75]],
    [cats(76), [75, 1]],
    // Long groups are cut where the chunk ends, short ones move; there is no comma rule.
    [`${cats(60)} , ${cats(20)}`, [75, 6]],
    [`${cats(70)} (${cats(7)})`, [70, 7]],
    [`${cats(70)} (${cats(8)})`, [75, 3]],
    [`${cats(75)} (cat)`, [75, 1]],
    [`${cats(73)} word3`, [73, 3]],
    [`${cats(73)} word9`, [75, 7]],
    ['cat BREAK cat', [3]],
  ])('%s', (prompt, expected) => {
    expect(counts(prompt, 'comfy')).toEqual(expected);
  });
});

test('words without weights in one chunk are what they are as plain words', () => {
  for (const emphasis of ['a1111', 'a1111-no-norm', 'comfy'] as const)
    for (const prompt of ['', 'a photo of a cat', 'Café, naïve 🙂!! 2024', 'a word3 b'])
      expect(chunks(prompt, emphasis)).toEqual(chunks(prompt, 'plain'));
});
