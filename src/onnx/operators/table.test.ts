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
