// Element types of intermediate values: a segment must declare those of the tensors that enter it, and exporters
// often leave them out. Types follow from the operators; most give what their first input has.

import { BOOL, FLOAT, INT64, type Model, type Node } from '../file/model';

const BOOLEAN = new Set([
  'Equal',
  'Less',
  'Greater',
  'LessOrEqual',
  'GreaterOrEqual',
  'Not',
  'And',
  'Or',
  'Xor',
  'IsNaN',
  'IsInf',
]);
const SECOND_INPUT = new Set(['Where', 'DequantizeLinear']);

/** TensorProto.DataType of every value of the graph. */
export function elemTypes(model: Model): Map<string, number> {
  const types = new Map<string, number>();
  for (const input of model.inputs) types.set(input.name, input.elemType);
  for (const weight of model.initializers.values()) types.set(weight.name, weight.dataType);
  for (const info of model.valueInfo.values()) types.set(info.name, info.elemType);
  for (const output of model.outputs) types.set(output.name, output.elemType);
  for (const node of model.nodes) {
    for (const output of node.outputs) if (output && !types.has(output)) types.set(output, outputType(node, types));
  }
  return types;
}

function outputType(node: Node, types: ReadonlyMap<string, number>): number {
  const attribute = (name: string) => node.attributes.get(name);
  if (node.opType === 'Cast') return attribute('to')?.i ?? FLOAT;
  if (node.opType === 'Shape' || node.opType === 'Size' || node.opType === 'NonZero') return INT64;
  if (BOOLEAN.has(node.opType)) return BOOL;
  if (node.opType === 'Constant') {
    if (attribute('value_int') || attribute('value_ints')) return INT64;
    return attribute('value')?.tensor?.dataType ?? FLOAT;
  }
  if (node.opType === 'ConstantOfShape') return attribute('value')?.tensor?.dataType ?? FLOAT;
  const from = node.inputs[SECOND_INPUT.has(node.opType) ? 1 : 0] ?? '';
  return types.get(from) ?? FLOAT;
}
