import { expect, test } from 'vitest';
import { readNumber } from './readNumber';

test.each<[text: string, value: number, doubtful?: true]>([
  ['12', 12],
  [' 2.5 ', 2.5],
  ['2,5', 2.5],
  ['.5', 0.5],
  [',5', 0.5],
  ['5,', 5],
  ['-3', -3],
  ['+3', 3],
  ['1e3', 1000],
  ['1,5e2', 150],
  // One comma before three digits sets a group apart, unless it cannot.
  ['1,000', 1000, true],
  ['12,345', 12345, true],
  ['0,500', 0.5],
  ['1234,567', 1234.567],
  ['1,0000', 1],
  ['-1,000', -1000, true],
  // A point is the decimal sign of the page.
  ['1.000', 1],
  ['1.125', 1.125],
  ['1,000,000', 1e6],
  ['1.000.000', 1e6],
  ['10,00,000', 1e6],
  ['1.000,5', 1000.5],
  ['1,000.5', 1000.5],
  ['1.234.567,89', 1234567.89],
  ['1 000', 1000],
  ['1 000 000,5', 1e6 + 0.5],
  ["1'000", 1000],
  ['1\u202f000', 1000],
  ['1_000', 1000],
  ['１２．５', 12.5],
  ['－３', -3],
  ['１，０００', 1000, true],
  ['١٢٫٥', 12.5],
  ['١٬٠٠٠', 1000],
  ['۲۰', 20],
  ['२०', 20],
  ['𝟙𝟚', 12],
  ['−3', -3],
  ['– 3', -3],
  ['\u200e-3\u200f', -3],
  ['Infinity', Infinity],
])('“%s” is %d', (text, value, doubtful) => {
  expect(readNumber(text, false)).toEqual({ value, doubtful: doubtful ?? false });
});

test.each([
  '',
  ' ',
  'abc',
  '.',
  ',',
  '1.2.3',
  '1,2,3',
  '1,000,00',
  '1.5,2.5',
  '1,000.000,5',
  '1 2',
  '12 34',
  '--1',
  '1-2',
  '0x',
  'e5',
  '²',
])('“%s” is no number', (text) => {
  expect(readNumber(text, false).value).toBeNaN();
});

test('where whole numbers are wanted, a point before three digits sets a group apart', () => {
  expect(readNumber('1.000', true)).toEqual({ value: 1000, doubtful: true });
  expect(readNumber('7.5', true)).toEqual({ value: 7.5, doubtful: false });
});
