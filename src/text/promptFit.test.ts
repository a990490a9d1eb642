// Where prompts end, against the tokens that are really given to the encoder: what is called read is a text of the same
// tokens, and one letter more is not.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { clipTokenizerJson } from './clipFiles';
import type { Emphasis } from '../prompt/pieces';
import { promptFit } from './promptFit';
import { PromptTokenizer } from './tokenizer';

const read = (path: string) => readFileSync(path, 'utf8');
const json = (path: string) => JSON.parse(read(path)) as object;
const CONFIG = { model_max_length: 20, pad_token: '<|endoftext|>' };
const clip = new PromptTokenizer(
  clipTokenizerJson(
    json('fixtures/text/clip/vocab.json') as Record<string, number>,
    read('fixtures/text/clip/merges.txt'),
    CONFIG,
  ),
  CONFIG,
);
const POCKET = 'public/models/pocket/tokenizer';
const pocket = new PromptTokenizer(json(`${POCKET}/tokenizer.json`), json(`${POCKET}/tokenizer_config.json`));

const fit = (tokenizer: PromptTokenizer, prompt: string, emphasis: Emphasis = 'plain', most = 1) =>
  promptFit(tokenizer, prompt, { emphasis, most, split: (words) => [words] });
const kept = (...of: Parameters<typeof fit>) => of[1].slice(0, fit(...of).kept);

describe("CLIP's, of 18 tokens beside those around them", () => {
  test('a prompt that fits is read whole', () => {
    for (const prompt of ['', 'a red cat', 'a '.repeat(18).trim()]) {
      expect(fit(clip, prompt)).toEqual({
        tokens: clip.pieces(prompt).length,
        limit: 18,
        chunks: 1,
        kept: prompt.length,
      });
    }
  });

  test.each([
    ['words', 'a red cat, '.repeat(9)],
    ['signs and line breaks', "it's (a:1.2)!!\n\n\tcat; dog -- ".repeat(4)],
    ['capitals and letters with marks', 'A CAFE\u0301 in ÉVIAN '.repeat(8)],
    ['one word without end', 'abcdefgh'.repeat(40)],
    ['writing without spaces', '赤い林檎の写真'.repeat(9)],
    ['signs of several units', '🍎👩‍👩‍👧'.repeat(9)],
  ])('%s end where the tokens end', (_what, prompt) => {
    const { tokens, limit } = fit(clip, prompt);
    const start = kept(clip, prompt);
    expect([tokens, limit]).toEqual([clip.pieces(prompt).length, 18]);
    expect(start.length).toBeLessThan(prompt.length);
    const [whole, own] = [clip.pieces(prompt).slice(0, 18), clip.pieces(start)];
    // All the bytes that are read, but for a letter of which only some are.
    const bytes = (pieces: readonly string[]) => pieces.join('').replaceAll('</w>', '');
    expect(bytes(whole).startsWith(bytes(own))).toBe(true);
    const [next = ''] = [...new Intl.Segmenter().segment(prompt.slice(start.length).trimStart())].map(
      ({ segment }) => segment,
    );
    const gap = prompt.slice(start.length).match(/^\s*/)?.[0] ?? '';
    expect(bytes(clip.pieces(start + gap + next)).length).toBeGreaterThan(bytes(whole).length);
  });
});

test('a tokenizer whose pieces are no bytes ends at words', () => {
  const words = Array.from({ length: 60 }, (_, index) => ['fox', 'flat', 'face', 'smiling'][index % 4]);
  const { limit } = fit(pocket, '');
  const prompt = words.join(', ');
  expect(clipped(kept(pocket, prompt))).toBe(words.slice(0, limit).join(', '));
});

function clipped(text: string): string {
  return text.replace(/[\s,]+$/, '');
}

describe('in chunks', () => {
  const cats = (count: number) => Array.from({ length: count }, () => 'cat').join(' ');

  test('all is read, however long, and counted without what only weighs', () => {
    const prompt = `(${cats(20)}:1.2) BREAK [cat]`;
    expect(fit(clip, prompt, 'a1111', Infinity)).toEqual({ tokens: 21, limit: 18, chunks: 3, kept: prompt.length });
    expect(fit(clip, prompt, 'comfy', Infinity)).toMatchObject({ chunks: 2, kept: prompt.length });
  });

  test('where a UNet takes no more, the words behind are told by where they stand', () => {
    const prompt = String.raw`(cat) \(cat\) BREAK red [the cat:1.2]`;
    expect(prompt.slice(fit(clip, prompt, 'a1111', 1).kept)).toBe('red [the cat:1.2]');
    expect(fit(clip, prompt, 'a1111', 1)).toMatchObject({ chunks: 1 });
    const long = `((${cats(17)})) the (cat red:0.5)`;
    expect(long.slice(fit(clip, long, 'a1111', 1).kept)).toBe('cat red:0.5)');
    const words = `(cat), ${cats(30)}`;
    expect(kept(clip, words, 'comfy', 1)).toBe(`(cat), ${cats(16)} `);
  });
});
