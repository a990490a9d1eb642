// Operators between floats and the integers that stand for them.

import type { GraphNode } from '../file/model';
import { axisOf } from './dims';
import { sameShape, type Operators } from './operator';
import { mixes, sameRows, type Look, type Rows } from './rows';

export const QUANTIZATION: Operators = {
  QuantizeLinear: { shape: sameShape, rows: scaled },
  DequantizeLinear: {
    weight: 'keeps',
    shape: sameShape,
    elemType: (node, types) => types.get(node.inputs[1] ?? ''),
    rows: scaled,
  },
};

/** A scale for all, or one for each entry of an axis that holds no rows. */
function scaled(node: GraphNode, look: Look): Rows {
  const rows = sameRows(node, look, [0]);
  const scale = look.shape(node.inputs[1] ?? '');
  const axis = axisOf(node.attributes.get('axis')?.i ?? 1, look.shape(node.inputs[0] ?? '').length);
  if (scale.length > 1 || (scale.length === 1 && scale[0] !== 1 && axis === rows.axis)) throw mixes(node);
  return rows;
}
