// All operators that are known. One that is not here makes values of which nothing is known.

import { ATTENTION } from './attentions';
import { AXES } from './axes';
import { CONSTANTS } from './constants';
import { CONVOLUTIONS } from './convolutions';
import { ELEMENTWISE } from './elementwise';
import { NORMALISATIONS } from './normalisations';
import type { Operator } from './operator';
import { PARTS } from './parts';
import { PRODUCTS } from './products';
import { QUANTIZATION } from './quantization';
import { REDUCTIONS } from './reductions';
import { RESHAPING } from './reshaping';

export const FAMILIES = {
  ATTENTION,
  AXES,
  CONSTANTS,
  CONVOLUTIONS,
  ELEMENTWISE,
  NORMALISATIONS,
  PARTS,
  PRODUCTS,
  QUANTIZATION,
  REDUCTIONS,
  RESHAPING,
};

const TABLE: ReadonlyMap<string, Operator> = new Map(
  Object.values(FAMILIES).flatMap((family) => Object.entries(family)),
);
/** Not even that types are those of the first input. */
const NOTHING: Operator = { elemType: () => undefined };

export function operatorOf({ opType }: { readonly opType: string }): Operator {
  return TABLE.get(opType) ?? NOTHING;
}
