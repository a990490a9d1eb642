// A1111's parser, by what `modules/prompt_parser.py` makes of these prompts.

import { expect, test } from 'vitest';
import { a1111Pieces } from './a1111Grammar';
import { isBreak } from './pieces';

const pieces = (prompt: string) =>
  a1111Pieces(prompt).map((part) => (isBreak(part) ? part : [part.text, Math.round(part.weight * 1e6) / 1e6]));

test.each<[string, unknown[]]>([
  ['', [['', 1]]],
  [
    'a (b) c',
    [
      ['a ', 1],
      ['b', 1.1],
      [' c', 1],
    ],
  ],
  ['((b))', [['b', 1.21]]],
  ['[[b]]', [['b', 0.826446]]],
  ['[b]', [['b', 0.909091]]],
  ['((b:1.3))', [['b', 1.43]]],
  [
    '(a (b:2) c:3)',
    [
      ['a ', 3],
      ['b', 6],
      [' c', 3],
    ],
  ],
  ['(b: 1.3)', [['b', 1.3]]],
  ['(b:1.3 )', [['b', 1.3]]],
  ['(b:.5)', [['b', 0.5]]],
  ['(b:-1.)', [['b', -1]]],
  ['(b:+2)', [['b', 2]]],
  ['(a:b)', [['a:b', 1.1]]],
  ['(a:1.2:1.3)', [['a:1.2', 1.3]]],
  ['a:1.2', [['a:1.2', 1]]],
  ['a:1.2)', [['a:1.2)', 1]]],
  [String.raw`\(a\)`, [['(a)', 1]]],
  [String.raw`(a\:1.2)`, [['a', 1.2]]],
  [String.raw`\\`, [['\\', 1]]],
  [String.raw`a\b`, [['ab', 1]]],
  ['(unbalanced', [['unbalanced', 1.1]]],
  ['a) b', [['a) b', 1]]],
  ['a] b', [['a] b', 1]]],
  [
    '(a [b) c]',
    [
      ['a ', 1.1],
      ['b', 1],
      [' c', 0.909091],
    ],
  ],
  ['[x:1.3]', [['x:1.3', 0.909091]]],
  ['x BREAK y', [['x', 1], 'BREAK', ['y', 1]]],
  ['BREAK', [['', 1], 'BREAK', ['', 1]]],
  ['BREAKING', [['BREAKING', 1]]],
  [
    '(a BREAK b:1.2)',
    [
      ['a', 1.2],
      ['BREAK', -1.2],
      ['b', 1.2],
    ],
  ],
  ['()', [['', 1]]],
  ['(:1.2)', [['', 1]]],
  // A1111 throws here.
  ['(a:1.2.3)', [['a:1.2.3', 1.1]]],
  [
    'a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).',
    [
      ['a ', 1],
      ['house', 1.573],
      [' ', 1.1],
      ['on', 1],
      [' a ', 1.1],
      ['hill', 0.55],
      [', sun, ', 1.1],
      ['sky', 1.4641],
      ['.', 1.1],
    ],
  ],
])('%s', (prompt, expected) => {
  expect(pieces(prompt)).toEqual(expected);
});

test('each letter knows where it stood', () => {
  const prompt = String.raw`🐈 (a\(b: 1.3) BREAK [[c] d`;
  for (const part of a1111Pieces(prompt)) {
    if (isBreak(part)) continue;
    expect(part.from).toHaveLength(part.text.length);
    expect(part.from.map((at) => prompt[at]).join('')).toBe(part.text);
  }
});
