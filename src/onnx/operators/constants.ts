// What is known without any data: constants, and the sizes of values. Exporters reckon with these; see ./values.

import { FLOAT, INT64, type GraphNode } from '../file/model';
import { inputShape, inputValues, type Known, type Operators } from './operator';
import { LIMIT, product, tensorValues, type PartialValues } from './values';

export const CONSTANTS: Operators = {
  Constant: {
    weight: 'makes',
    shape: (node) => constantDims(node),
    values: (node) => constantValues(node),
    elemType: (node) =>
      node.attributes.has('value_int') || node.attributes.has('value_ints') ? INT64 : valueType(node),
  },
  ConstantOfShape: {
    shape: (node, known) => inputValues(node, known, 0),
    values: filled,
    uniform: 'always',
    elemType: (node) => valueType(node),
  },
  Shape: {
    // A vector, whatever its input.
    shape: (node, known) => [bounded(node, inputShape(node, known, 0))?.length ?? null],
    values: (node, known) => bounded(node, inputShape(node, known, 0)),
    elemType: () => INT64,
  },
  Size: { elemType: () => INT64 },
  NonZero: { elemType: () => INT64 },
};

function valueType({ attributes }: GraphNode): number {
  return attributes.get('value')?.tensor?.dataType ?? FLOAT;
}

/** null for what is not read, such as texts and sparse tensors. */
function constantDims({ attributes }: GraphNode): readonly number[] | null {
  const tensor = attributes.get('value')?.tensor;
  if (tensor) return tensor.dims;
  const ints = attributes.get('value_ints');
  if (ints) return [ints.ints.length];
  return attributes.has('value_int') || attributes.has('value_float') ? [] : null;
}

function constantValues({ attributes }: GraphNode): PartialValues | null {
  const tensor = attributes.get('value')?.tensor;
  if (tensor) return tensorValues(tensor);
  const int = attributes.get('value_int');
  if (int) return [int.i];
  const float = attributes.get('value_float');
  if (float) return [float.f];
  return attributes.get('value_ints')?.ints ?? null;
}

function filled(node: GraphNode, known: Known): PartialValues | null {
  const shape = inputValues(node, known, 0);
  const count = shape && product(shape);
  const [fill] = node.attributes.has('value') ? (constantValues(node) ?? []) : [0];
  return typeof count === 'number' && count <= LIMIT ? new Array<number | null>(count).fill(fill ?? null) : null;
}

/** The part of a shape that a Shape node gives. */
function bounded({ attributes }: GraphNode, shape: PartialValues | null): PartialValues | null {
  return shape?.slice(attributes.get('start')?.i ?? 0, attributes.get('end')?.i) ?? null;
}
