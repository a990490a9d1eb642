// Operators that weigh each element by others of its axis or group, and give the shape that they take.

import type { GraphNode } from '../file/model';
import { alike, inputShape, sameShape, type Known, type Operator, type Operators } from './operator';
import { before, firstAxis, mixes, onFirstAxis } from './rows';
import type { PartialValues } from './values';

/** The sum that a layer norm is taken of comes out too. */
const SKIP_LAYER: Operator = { shape: sameShape, further: sumAt(3), rows: before(-1, [0, 1]), rowOutputs: [3] };

export const NORMALISATIONS: Operators = {
  ...alike(['InstanceNormalization', 'GroupNormalization', 'GroupNorm'], { shape: sameShape, rows: onFirstAxis }),
  BatchNormalization: { shape: sameShape },
  SkipGroupNorm: {
    shape: sameShape,
    further: sumAt(1),
    rows: (node, look) => firstAxis(node, look, [0, 3]),
    rowOutputs: [1],
  },
  ...alike(['LayerNormalization', 'RMSNormalization', 'SimplifiedLayerNormalization'], {
    shape: sameShape,
    rows: before(-1, [0]),
  }),
  SkipLayerNormalization: SKIP_LAYER,
  SkipSimplifiedLayerNormalization: SKIP_LAYER,
  ...alike(['Softmax', 'LogSoftmax'], {
    shape: sameShape,
    rows: (node, look) => {
      // Without the attribute the axis is 1 or the last one, by the opset; before opset 13 all axes behind it are one.
      if (!node.attributes.has('axis') && look.shape(node.inputs[0] ?? '').length < 2) throw mixes(node);
      return before(1, [0])(node, look);
    },
  }),
  // Not one, but like these it weighs an axis by itself: a half by the other.
  BiasSplitGelu: {
    shape: (node, known) => {
      const from = inputShape(node, known, 0);
      return from && [...from.slice(0, -1), half(from.at(-1))];
    },
    rows: before(-1, [0]),
  },
};

function sumAt(place: number): NonNullable<Operator['further']> {
  return (node: GraphNode, known: Known): (PartialValues | undefined)[] => {
    const shapes = new Array<PartialValues | undefined>(place + 1).fill(undefined);
    shapes[place] = sameShape(node, known) ?? undefined;
    return shapes;
  };
}

function half(size: number | null | undefined): number | null {
  return typeof size === 'number' ? size / 2 : null;
}
