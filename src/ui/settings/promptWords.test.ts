import { expect, test } from 'vitest';
import { onlyA1111 } from '../../prompt/onlyA1111';
import { fitText, unreadText } from './promptWords';

test('the counter says chunks where there are several, and the end that is not read', () => {
  const text = 'a cat and a dog';
  const fit = { text, tokens: 5, limit: 75, chunks: 1, kept: text.length };
  expect(fitText(fit)).toBe('5 of 75 tokens');
  expect(fitText({ ...fit, limit: 1, tokens: 1 })).toBe('1 of 1 token');
  expect(fitText({ ...fit, tokens: 81, chunks: 2 })).toBe('81 of 75 × 2 tokens');
  expect(fitText({ ...fit, tokens: 170, chunks: 2, kept: 5 })).toBe(
    'Too long: the model reads 150 of 170 tokens. Not read: “and a dog”',
  );
});

test('all that A1111 obeys and is read as words has a sentence of its own, with what stands there', () => {
  const found = onlyA1111('[a:b:3] [c|d] <hypernet:x:1> AND e:1.5');
  const sentences = found.map(unreadText);
  expect(new Set(sentences).size).toBe(5);
  for (const [at, { example }] of found.entries()) expect(sentences[at]).toContain(`“${example}”`);
});
