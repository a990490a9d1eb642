// Operators between floats and the integers that stand for them.

import { sameShape, type Operators } from './operator';

export const QUANTIZATION: Operators = {
  QuantizeLinear: { shape: sameShape },
  DequantizeLinear: {
    weight: 'keeps',
    shape: sameShape,
    elemType: (node, types) => types.get(node.inputs[1] ?? ''),
  },
};
