// ComfyUI's parser, by what `comfy/sd1_clip.py` makes of these prompts.

import { expect, test } from 'vitest';
import { comfyPieces } from './comfyGrammar';

const pieces = (prompt: string) =>
  comfyPieces(prompt).map(({ text, weight }) => [text, Math.round(weight * 1e6) / 1e6]);

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
  ['[b] BREAK', [['[b] BREAK', 1]]],
  ['((b))', [['b', 1.21]]],
  ['((b:1.3))', [['b', 1.3]]],
  [
    '(a (b:2) c:3)',
    [
      ['a ', 3],
      ['b', 2],
      [' c', 3],
    ],
  ],
  [
    '((a) b:1.3)',
    [
      ['a', 1.43],
      [' b', 1.3],
    ],
  ],
  ['(unbalanced', [['(unbalanced', 1]]],
  ['a) b (c)', [['a) b (c)', 1]]],
  [
    String.raw`\(a\) (b\):2)`,
    [
      ['(a) ', 1],
      ['b)', 2],
    ],
  ],
  ['(b:1e1)', [['b', 10]]],
  ['(b: -.5 )', [['b', -0.5]]],
  ['(:1.2)', [[':1.2', 1.1]]],
  ['(a:nan)', [['a:nan', 1.1]]],
  ['(a:1:2)', [['a:1', 2]]],
])('%s', (prompt, expected) => {
  expect(pieces(prompt)).toEqual(expected);
});

test('each letter knows where it stood', () => {
  const prompt = String.raw`🐈 (a\(b: 1.3) [c] (d)`;
  for (const { text, from } of comfyPieces(prompt)) {
    expect(from).toHaveLength(text.length);
    expect(from.map((at) => prompt[at]).join('')).toBe(text);
  }
});
