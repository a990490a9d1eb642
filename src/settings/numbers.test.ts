import { expect, test } from 'vitest';
import { FIELDS } from './fields';
import { correctNumber, stepNumber } from './numbers';

test.each([
  ['NaN', 20],
  ['', 20],
  ['abc', 20],
  ['-5', 1],
  ['1e9', 150],
  ['7.6', 8],
  ['Infinity', 150],
  ['12', 12],
])('steps “%s” becomes %d, and says so where it was changed', (text, value) => {
  const corrected = correctNumber(text, FIELDS.steps);
  expect(corrected.value).toBe(value);
  expect(corrected.note === null).toBe(text === '12');
});

test('a decimal comma is a decimal point; noise behind three decimals goes', () => {
  expect(correctNumber('2,5', FIELDS.pagScale)).toEqual({ value: 2.5, note: null });
  expect(correctNumber('0.30000000000000004', FIELDS.pagScale).value).toBe(0.3);
});

test('multiples are the nearest, and it is said what they are of', () => {
  const rule = { min: 64, max: 4096, whole: true, step: 64, multiple: 64, fallback: 512 };
  expect(correctNumber('500', rule)).toEqual({ value: 512, note: 'Multiples of 64 from 64 to 4096: set to 512.' });
  expect(correctNumber('768', rule)).toEqual({ value: 768, note: null });
  expect([correctNumber('1', rule).value, correctNumber('9e9', rule).value]).toEqual([64, 4096]);
  expect([stepNumber(512, 1, rule), stepNumber(64, -1, rule)]).toEqual([576, 64]);
});

test('what could mean two numbers is noted', () => {
  expect(correctNumber('1,000', FIELDS.seed)).toEqual({ value: 1000, note: 'Read as 1000.' });
  expect(correctNumber('1,000', FIELDS.pagScale)).toEqual({ value: 100, note: '0 to 100: set to 100.' });
  expect(correctNumber('٢٫٥', FIELDS.pagScale)).toEqual({ value: 2.5, note: null });
});

test('seeds keep all their digits', () => {
  expect(correctNumber('9007199254740991', FIELDS.seed)).toEqual({ value: Number.MAX_SAFE_INTEGER, note: null });
});

test('arrow steps stay in range and do not gather rounding', () => {
  expect(stepNumber(0.2, 1, FIELDS.pagScale)).toBe(0.3);
  expect(stepNumber(0, -1, FIELDS.pagScale)).toBe(0);
});
