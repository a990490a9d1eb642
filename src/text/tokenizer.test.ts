// Ids of the built-in model's tokenizer, as Hugging Face's tokenizers makes them (fixtures/pocket/make_golden.py), and
// the tiny CLIP tokenizer's shape rules.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PromptTokenizer } from './tokenizer';

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as object;
const pocket = new PromptTokenizer(
  read('public/models/pocket/tokenizer/tokenizer.json'),
  read('public/models/pocket/tokenizer/tokenizer_config.json'),
);

const golden = read('fixtures/pocket/golden.json') as { tokenIds: Record<string, number[]> };
test.each(Object.entries(golden.tokenIds))('“%s”', (prompt, ids) => {
  expect(pocket.encode(prompt)).toEqual(ids);
});

test('a prompt that is too long keeps the last special token', () => {
  const tiny = new PromptTokenizer(
    read('fixtures/models/tiny/tokenizer/tokenizer.json'),
    read('fixtures/models/tiny/tokenizer/tokenizer_config.json'),
  );
  const ids = tiny.encode('a castle on a hill '.repeat(20));
  expect(ids).toHaveLength(16);
  expect(ids.at(-1)).toBe(tiny.encode('').at(1));
});
