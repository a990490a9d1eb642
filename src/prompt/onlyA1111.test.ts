// What is named, and what is none of it.

import { expect, test } from 'vitest';
import { onlyA1111 } from './onlyA1111';

test.each([
  ['a [b:c:0.5] d', 'editing', '[b:c:0.5]'],
  ['[artist:3]', 'editing', '[artist:3]'],
  ['[a::3]', 'editing', '[a::3]'],
  ['[a [b] (c:1.2): 5 ]', 'editing', '[a [b] (c:1.2): 5 ]'],
  ['[cow|horse]', 'alternation', '[cow|horse]'],
  ['[a|]', 'alternation', '[a|]'],
  ['a cat AND a dog', 'AND', 'AND'],
  ['a cat:1.5', 'factor', ':1.5'],
  ['<hypernet:x:1>', 'hypernetwork', '<hypernet:x:1>'],
])('%s: %s', (prompt, kind, example) => {
  expect(onlyA1111(prompt)).toEqual([{ kind, example }]);
});

test.each([
  '[b] (c:1.2)',
  '(a|b)',
  'SAND, ANDY, and',
  String.raw`\[a:b:3\]`,
  '[a:b]',
  '[x:y',
  'a: b',
  '(cat:1.5)',
  '[(a|b)]',
])('%s is read as A1111 does', (prompt) => {
  expect(onlyA1111(prompt)).toEqual([]);
});

test('in a negative prompt A1111 takes no parts', () => {
  expect(onlyA1111('a AND b:0.5', true)).toEqual([]);
  expect(onlyA1111('[a:b:3]', true)).toHaveLength(1);
});
