// Operators on integers that stand for floats, as the same operators on floats: each number is made a float in front of
// them, and rounded again behind them where they did so. ./floatActivations then takes the rounding away.
//
//   QLinearMatMul|QLinearConv|QLinearAdd|…(a, b)   DequantizeLinear(a), DequantizeLinear(b) ─ … ─ QuantizeLinear
//   MatMulIntegerToFloat(a, W)                     DequantizeLinear(a), DequantizeLinear(W) ─ MatMul
//   DynamicQuantizeMatMul(x, W)                    x,                   DequantizeLinear(W) ─ MatMul
//
// (Operators: ONNX's Operators.md, and ContribOperators.md of ONNX Runtime.)

import { makeNode, withOpType } from '../file/makeNode';
import type { Model, GraphNode } from '../file/model';

interface Rounded {
  readonly opType: string;
  /** Where each operand stands, with its scale and its zero point behind it. */
  readonly operands: readonly number[];
  /** Where the scale of the output stands, with its zero point behind it. */
  readonly output: number;
  /** Of int32, with the product of both operands' scales. */
  readonly bias?: number;
}

const ROUNDED: ReadonlyMap<string, Rounded> = new Map([
  ['QLinearMatMul', { opType: 'MatMul', operands: [0, 3], output: 6 }],
  ['QLinearConv', { opType: 'Conv', operands: [0, 3], output: 6, bias: 8 }],
  ['QLinearAdd', { opType: 'Add', operands: [0, 3], output: 6 }],
  ['QLinearMul', { opType: 'Mul', operands: [0, 3], output: 6 }],
  ['QLinearSigmoid', { opType: 'Sigmoid', operands: [0], output: 3 }],
  ['QLinearLeakyRelu', { opType: 'LeakyRelu', operands: [0], output: 3 }],
]);

/** The same node, where it is none of these. */
export function inFloats(node: GraphNode, weights: Model['initializers']): GraphNode[] {
  const rounded = ROUNDED.get(node.opType);
  if (rounded) return between(node, rounded);
  const [a = '', b = ''] = node.inputs;
  const [, , third = '', fourth = '', zeroOfA = '', zeroOfB = ''] = node.inputs;
  // One scale for a whole product, or one a column.
  if (weights.get(b)?.dims.length !== 2) return [node];
  if (node.opType === 'DynamicQuantizeMatMul') return product(node, [[a], [b, third, fourth]], node.inputs[4] ?? '');
  if (node.opType === 'MatMulIntegerToFloat')
    return product(
      node,
      [
        [a, third, zeroOfA],
        [b, fourth, zeroOfB],
      ],
      node.inputs[6] ?? '',
    );
  return [node];
}

function between(node: GraphNode, { opType, operands, output, bias }: Rounded): GraphNode[] {
  const [made = ''] = node.outputs;
  const exact = `${made}.exact`;
  const input = (at: number) => node.inputs[at] ?? '';
  const nodes: GraphNode[] = [];
  // Scales of a convolution's weights are one a filter, those of other operands one a column.
  const axis = (at: number) => (opType === 'Conv' && at > 0 ? 0 : -1);
  const floats = operands.map((at) =>
    dequantized(nodes, [at, at + 1, at + 2].map(input), `${made}.float${at}`, axis(at)),
  );
  if (bias !== undefined && input(bias) !== '') {
    const scale = `${made}.biasScale`;
    nodes.push(
      makeNode(
        { name: scale, opType: 'Mul' },
        operands.map((at) => input(at + 1)),
        [scale],
      ),
    );
    floats.push(dequantized(nodes, [input(bias), scale], `${made}.float${bias}`, 0));
  }
  const parameters = [output, output + 1].map(input);
  return [
    ...nodes,
    withOpType(node, opType, floats, [exact]),
    makeNode({ name: made, opType: 'QuantizeLinear' }, [exact, ...given(parameters)], [made]),
  ];
}

/** An operand of one name is one of floats. */
function product(node: GraphNode, operands: readonly (readonly string[])[], bias: string): GraphNode[] {
  const [made = ''] = node.outputs;
  const nodes: GraphNode[] = [];
  const floats = operands.map((operand, at) =>
    operand.length === 1 ? (operand[0] ?? '') : dequantized(nodes, operand, `${made}.float${at}`, -1),
  );
  const sum = bias === '' ? made : `${made}.product`;
  nodes.push(makeNode({ name: node.name, opType: 'MatMul' }, floats, [sum]));
  if (bias !== '') nodes.push(makeNode({ name: `${node.name}.bias`, opType: 'Add' }, [sum, bias], [made]));
  return nodes;
}

/** Adds the node that makes floats of an operand with its scale and zero point; returns their name. */
function dequantized(nodes: GraphNode[], operand: readonly string[], name: string, axis: number): string {
  nodes.push(makeNode({ name, opType: 'DequantizeLinear' }, given(operand), [name], { axis: { int: axis } }));
  return name;
}

/** Without omitted inputs at the end. */
function given(inputs: readonly string[]): readonly string[] {
  return inputs.at(-1) === '' ? inputs.slice(0, -1) : inputs;
}
