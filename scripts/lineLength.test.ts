import { Linter } from 'eslint';
import { expect, test } from 'vitest';
import { lineLength } from './lineLength.js';

const lint = (code: string) =>
  new Linter()
    .verify(code, { plugins: { pagoda: { rules: { 'line-length': lineLength } } }, rules: { 'pagoda/line-length': 2 } })
    .map(({ line, message }) => `${line}: ${message}`);

test('a line of more than 120 characters is refused, in comments and texts too', () => {
  const [fits, long] = ['𝜎'.repeat(117), '𝜎'.repeat(118)];
  expect(lint(`// ${fits}\n/*\n${fits}*/`)).toEqual([]);
  expect(lint(`// ${fits}\n// ${long}\n\n'${long.repeat(2)}';`)).toEqual([
    expect.stringMatching(/^2: This line has 121 characters; 120 is the most/),
    expect.stringMatching(/^4: This line has 239 characters/),
  ]);
});

test('a comment exempts a line that cannot be broken', () => {
  expect(lint(`// eslint-disable-next-line pagoda/line-length\n// https://${'a'.repeat(200)}`)).toEqual([]);
});
