import { expect, test } from 'vitest';
import { boundedText } from './boundedText';

test('a text within bounds stays as it is', () => {
  for (const text of ['', 'a', 'é'.repeat(10), 'हिन्दी', '\u0301'.repeat(30)])
    expect(boundedText(text, 30)).toEqual({ text, note: null });
});

test.each([
  ['a surrogate pair', 'abc🍎', 4, 'abc'],
  ['a letter with its marks', 'abe\u0301', 3, 'ab'],
  ['a family', 'ab👩‍👩‍👧', 6, 'ab'],
  ['plain letters', 'abcdef', 4, 'abcd'],
])('it never ends inside %s', (_what, text, max, kept) => {
  expect(boundedText(text, max)).toEqual({
    text: kept,
    note: `This field takes ${max} letters; the rest was left out.`,
  });
});

test('a run of marks ends after 30, wherever it stands', () => {
  const { text, note } = boundedText(`a${'\u0301'.repeat(100_000)}b${'\u0302'.repeat(31)}c`, 2000);
  expect(text).toBe(`a${'\u0301'.repeat(30)}b${'\u0302'.repeat(30)}c`);
  expect(note).toContain('30 marks');
});
