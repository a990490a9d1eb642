// Where a prompt names an embedding.

import { expect, test } from 'vitest';
import { namesIn, splitAtNames } from './embeddingWords';

const names = ['neg', 'neg-2', 'a.b (c)', 'Ünï'];

test.each<[string, readonly (string | { name: string })[]]>([
  ['plain words', ['plain words']],
  ['neg', ['', { name: 'neg' }, '']],
  ['a NEG-2, Neg', ['a ', { name: 'neg-2' }, ', ', { name: 'neg' }, '']],
  ['negative neg_2 2neg', ['negative neg_2 2neg']],
  ['(A.B (C):1.2) axb (c)', ['(', { name: 'a.b (c)' }, ':1.2) axb (c)']],
  ['ünï', ['', { name: 'Ünï' }, '']],
])('%s', (prompt, parts) => {
  expect(splitAtNames(prompt, names)).toEqual(parts);
  expect(splitAtNames(prompt, [])).toEqual([prompt]);
});

test('those that any of the prompts names, in their own order', () => {
  expect(namesIn(['x ünï', 'NEG', 'neg'], names)).toEqual(['neg', 'Ünï']);
  expect(namesIn([], names)).toEqual([]);
});
