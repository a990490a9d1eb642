// What holds for the records of operators as a whole; each by itself is held to ONNX Runtime in engine/facts.test.ts,
// and its rows in passes/freeBatch.

import { expect, test } from 'vitest';
import { FAMILIES, operatorOf } from './table';

const all = Object.values(FAMILIES).flatMap((family) => Object.entries(family));

test('an operator is in one family alone', () => {
  const names = all.map(([opType]) => opType);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

test('nothing is known of an operator that is not there, whatever it is called', () => {
  for (const opType of ['Unheard', 'constructor', '__proto__', ''])
    expect(operatorOf({ opType }).shape, opType).toBeUndefined();
});

test('one that is known to treat each row by itself has shapes, of every output that holds rows', () => {
  const withRows = all.filter(([, operator]) => operator.rows ?? operator.rebatch);
  expect(withRows.length).toBeGreaterThan(80);
  expect(withRows.filter(([, { shape }]) => !shape).map(([opType]) => opType)).toEqual([]);
  expect(all.filter(([, one]) => one.rowOutputs && !one.further).map(([opType]) => opType)).toEqual([]);
  // Each stands for a proof: there is one of them.
  expect(all.filter(([, { rows, rebatch }]) => rows && rebatch).map(([opType]) => opType)).toEqual([]);
});

test('inputs that count rows are read by rules that know them', () => {
  expect(all.filter(([, one]) => one.readsCounts && !one.rebatch).map(([opType]) => opType)).toEqual([]);
});
