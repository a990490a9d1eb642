// Where rows lie behind an operator, for the operators that treat each row by itself. Each rule looks at every input
// that holds rows; an operator without a rule, or rows at an input that its rule does not name, ends in Unfree: what
// would mix rows (a sum over the batch, a scale that is measured over all of it) must never pass as row by row.
// Operators that carry sizes as constants are in ./rebatch.

import { axesOf, axisOf } from '../../operators/dims';
import { product } from '../../operators/values';
import type { Node } from '../../file/model';
import { Unfree, type Look, type Rows } from './rows';
import { einsumTerms } from '../../operators/products';

type Rule = (node: Node, look: Look) => Rows;

const ELEMENTWISE = new Set([
  'Cast',
  'Identity',
  'Dropout',
  'Sigmoid',
  'Erf',
  'Cos',
  'Sin',
  'Exp',
  'Neg',
  'Sqrt',
  'Reciprocal',
  'Tanh',
  'Clip',
  'Gelu',
  'QuickGelu',
  'FastGelu',
  'BiasGelu',
  'Relu',
  'LeakyRelu',
  'Elu',
  'HardSigmoid',
  'HardSwish',
  'Softplus',
  'Mish',
  'Abs',
  'Log',
  'Floor',
  'Ceil',
  'Round',
  'Not',
  'BiasAdd',
  'Mul',
  'Add',
  'Sub',
  'Div',
  'Pow',
  'Equal',
  'Less',
  'Greater',
  'LessOrEqual',
  'GreaterOrEqual',
  'And',
  'Or',
  'Xor',
  'Max',
  'Min',
  'Mod',
  'Sum',
  'Where',
]);
const REDUCTIONS = ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceL2', 'ReduceSumSquare'];

/** Each row is one entry of axis 0; what else the operator reads is the same for all. */
const onFirstAxis: Rule = (node, look) => firstAxis(node, look, [0]);
/** The operator mixes the axes from `axis` on; rows lie before these. */
const before =
  (axis: number, operands: readonly number[]): Rule =>
  (node, look) => {
    const rows = sameRows(node, look, operands);
    const from = node.attributes.get('axis')?.i ?? axis;
    const rank = look.shape(node.inputs[0] ?? '').length;
    if (rows.axis >= Math.min(axisOf(from, rank), rank - 1)) throw mixes(node);
    return rows;
  };

const RULES = new Map<string, Rule>([
  ...['Conv', 'NhwcConv', 'InstanceNormalization', 'GroupNormalization', 'GroupNorm', 'GlobalAveragePool'].map(
    (opType): [string, Rule] => [opType, onFirstAxis],
  ),
  ['SkipGroupNorm', (node, look) => firstAxis(node, look, [0, 3])],
  ...['LayerNormalization', 'RMSNormalization', 'SimplifiedLayerNormalization'].map((opType): [string, Rule] => [
    opType,
    before(-1, [0]),
  ]),
  ...['SkipLayerNormalization', 'SkipSimplifiedLayerNormalization'].map((opType): [string, Rule] => [
    opType,
    before(-1, [0, 1]),
  ]),
  ...['Softmax', 'LogSoftmax'].map((opType): [string, Rule] => [
    opType,
    (node, look) => {
      // Without the attribute the axis is 1 or the last one, by the opset; before opset 13 all axes behind it are one.
      if (!node.attributes.has('axis') && look.shape(node.inputs[0] ?? '').length < 2) throw mixes(node);
      return before(1, [0])(node, look);
    },
  ]),
  ['BiasSplitGelu', before(-1, [0])],
  ['MatMulNBits', before(-1, [0])],
  ['MatMul', matMul],
  [
    'FusedMatMul',
    (node, look) => {
      if (
        ['transA', 'transB', 'transBatchA', 'transBatchB'].some((flag) => node.attributes.get(flag)?.i) &&
        onTwoLastAxes(node, look)
      )
        throw mixes(node);
      return matMul(node, look);
    },
  ],
  [
    'Gemm',
    (node, look) => {
      const summand = node.inputs[2] ?? '';
      const shape = summand === '' ? [] : look.shape(summand);
      const holds = look.rows(summand) !== null;
      if (node.attributes.get('transA')?.i || (holds ? shape.length !== 2 : shape.length > 1 && shape[0] !== 1))
        throw mixes(node);
      return firstAxis(node, look, holds ? [0, 2] : [0]);
    },
  ],
  ['MultiHeadAttention', (node, look) => attention(node, look, 4)],
  ['Attention', (node, look) => (node.domain === '' ? attention(node, look, 3) : oneTensorAttention(node, look))],
  [
    'Transpose',
    (node, look) => {
      const rows = sameRows(node, look, [0]);
      const rank = look.shape(node.inputs[0] ?? '').length;
      const perm = node.attributes.get('perm')?.ints ?? [];
      return { ...rows, axis: perm.length > 0 ? perm.indexOf(rows.axis) : rank - 1 - rows.axis };
    },
  ],
  [
    'Concat',
    (node, look) => {
      const rows = sameRows(node, look, 'all');
      if (axisOf(node.attributes.get('axis')?.i ?? 0, look.shape(node.inputs[0] ?? '').length) === rows.axis)
        throw mixes(node);
      return rows;
    },
  ],
  [
    'Split',
    (node, look) => {
      const rows = sameRows(node, look, [0]);
      if (axisOf(node.attributes.get('axis')?.i ?? 0, look.shape(node.inputs[0] ?? '').length) === rows.axis)
        throw mixes(node);
      return rows;
    },
  ],
  ['QuantizeLinear', scaled],
  ['DequantizeLinear', scaled],
  [
    'Gather',
    (node, look) => {
      const [data = '', indices = ''] = node.inputs;
      const axis = axisOf(node.attributes.get('axis')?.i ?? 0, look.shape(data).length);
      const [inData, inIndices] = [look.rows(data), look.rows(indices)];
      if (inIndices && !inData) return { ...inIndices, axis: inIndices.axis + axis };
      if (!inData || inIndices || inData.axis === axis) throw mixes(node);
      return { ...inData, axis: inData.axis < axis ? inData.axis : inData.axis - 1 + look.shape(indices).length };
    },
  ],
  [
    'Unsqueeze',
    (node, look) => {
      const rows = sameRows(node, look, [0]);
      const axes = axesIn(node, look);
      const rank = look.shape(node.inputs[0] ?? '').length + axes.length;
      const added = new Set(axes.map((axis) => axisOf(axis, rank)));
      const kept = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !added.has(axis));
      return { ...rows, axis: kept[rows.axis] ?? -1 };
    },
  ],
  ['Squeeze', (node, look) => withoutAxes(node, look, false)],
  ...REDUCTIONS.map((opType): [string, Rule] => [
    opType,
    (node, look) => withoutAxes(node, look, (node.attributes.get('keepdims')?.i ?? 1) !== 0),
  ]),
  [
    'Flatten',
    (node, look) => {
      const rows = sameRows(node, look, [0]);
      const shape = look.shape(node.inputs[0] ?? '');
      const cut = axisOf(node.attributes.get('axis')?.i ?? 1, shape.length);
      const start = rows.axis < cut ? 0 : cut;
      const each = product([rows.each, ...shape.slice(rows.axis + 1, start === 0 ? cut : shape.length)]);
      if (product(shape.slice(start, rows.axis)) !== 1 || each === null) throw mixes(node);
      return { axis: start === 0 ? 0 : 1, each };
    },
  ],
  [
    'Pad',
    (node, look) => {
      const rows = sameRows(node, look, [0]);
      const pads = look.constant(node.inputs[1] ?? '');
      if ((node.inputs[3] ?? '') !== '' || pads?.[rows.axis] !== 0 || pads[rows.axis + pads.length / 2] !== 0)
        throw mixes(node);
      return rows;
    },
  ],
  [
    'Tile',
    (node, look) => {
      const rows = sameRows(node, look, [0]);
      if (look.constant(node.inputs[1] ?? '')?.[rows.axis] !== 1) throw mixes(node);
      return rows;
    },
  ],
  [
    'Einsum',
    (node, look) => {
      const terms = einsumTerms(node);
      if (!terms) throw mixes(node);
      const letters = new Set(
        node.inputs.flatMap((name, index) =>
          look.rows(name) ? [terms.inputs[index]?.[look.rows(name)?.axis ?? 0] ?? ''] : [],
        ),
      );
      const [letter = ''] = letters;
      const axis = terms.output.indexOf(letter);
      const shared = node.inputs.some((name, index) => !look.rows(name) && terms.inputs[index]?.includes(letter));
      const twice = [...terms.inputs, terms.output].some((term) => term.indexOf(letter) !== term.lastIndexOf(letter));
      if (letters.size !== 1 || letter === '' || axis < 0 || shared || twice) throw mixes(node);
      return { axis, each: eachOf(node, look) };
    },
  ],
]);

/** The rule for an operator that carries no sizes; null where there is none. */
export function rowRule(node: Node): Rule | null {
  return RULES.get(node.opType) ?? null;
}

export function isElementwise(node: Node): boolean {
  return ELEMENTWISE.has(node.opType);
}

export function mixes(node: Node): Unfree {
  return new Unfree(`${node.opType} ${node.name} is not known to treat each row by itself`);
}

/** The rows of the inputs at `operands`, which all must have them alike; other inputs must have none. */
export function sameRows(node: Node, look: Look, operands: readonly number[] | 'all'): Rows {
  let found: Rows | null = null;
  for (const [index, name] of node.inputs.entries()) {
    const rows = name === '' ? null : look.rows(name);
    if ((operands === 'all' || operands.includes(index)) && name !== '') {
      if (!rows || (found && (found.axis !== rows.axis || found.each !== rows.each))) throw mixes(node);
      found = rows;
    } else if (rows) throw mixes(node);
  }
  if (!found) throw mixes(node);
  return found;
}

function firstAxis(node: Node, look: Look, operands: readonly number[]): Rows {
  const rows = sameRows(node, look, operands);
  if (rows.axis !== 0) throw mixes(node);
  return rows;
}

/** All inputs with rows have equally many entries a row. */
function eachOf(node: Node, look: Look): number {
  const each = new Set(node.inputs.flatMap((name) => look.rows(name)?.each ?? []));
  const [first] = each;
  if (each.size !== 1 || first === undefined) throw mixes(node);
  return first;
}

/** Rows in the stack of matrices of both operands, in that of one while the other has none, or in M or N of one. */
function matMul(node: Node, look: Look): Rows {
  const operands = [0, 1].map((index) => node.inputs[index] ?? '');
  const ranks = operands.map((name) => look.shape(name).length);
  const rank = Math.max(...ranks);
  if (Math.min(...ranks) < 2) throw mixes(node);
  const places = operands.flatMap((name, index) => {
    const rows = look.rows(name);
    return rows ? [rows.axis + rank - (ranks[index] as number)] : [];
  });
  const [axis = -1] = places;
  const summed = operands.some(
    (name, index) => look.rows(name)?.axis === (ranks[index] as number) - (index === 0 ? 1 : 2),
  );
  const clash = operands.some((name, index) => {
    const at = axis - rank + (ranks[index] as number);
    return !look.rows(name) && axis < rank - 2 && at >= 0 && look.shape(name)[at] !== 1;
  });
  if (summed || clash || (places.length === 2 && (places[0] !== places[1] || axis >= rank - 2))) throw mixes(node);
  return { axis, each: eachOf(node, look) };
}

function onTwoLastAxes(node: Node, look: Look): boolean {
  return node.inputs.some((name) => (look.rows(name)?.axis ?? -1) >= look.shape(name).length - 2);
}

/** Q, K and V in tensors of their own; a bias that is the same for all, no mask and no cache. */
function attention(node: Node, look: Look, biases: number): Rows {
  const rows = firstAxis(node, look, [0, 1, 2]);
  if (
    node.inputs.slice(biases).some((name) => name !== '') ||
    node.inputs.slice(0, 3).includes('') ||
    node.outputs.slice(1).some((name) => name !== '')
  )
    throw mixes(node);
  return rows;
}

/** com.microsoft.Attention: x, weights and bias. */
function oneTensorAttention(node: Node, look: Look): Rows {
  if (node.inputs.slice(3).some((name) => name !== '') || node.outputs.slice(1).some((name) => name !== ''))
    throw mixes(node);
  return firstAxis(node, look, [0]);
}

/** A scale for all, or one for each entry of an axis that holds no rows. */
function scaled(node: Node, look: Look): Rows {
  const rows = sameRows(node, look, [0]);
  const scale = look.shape(node.inputs[1] ?? '');
  const axis = axisOf(node.attributes.get('axis')?.i ?? 1, look.shape(node.inputs[0] ?? '').length);
  if (scale.length > 1 || (scale.length === 1 && scale[0] !== 1 && axis === rows.axis)) throw mixes(node);
  return rows;
}

function withoutAxes(node: Node, look: Look, keeps: boolean): Rows {
  const rows = sameRows(node, look, [0]);
  const rank = look.shape(node.inputs[0] ?? '').length;
  const gone = new Set(axesIn(node, look).map((axis) => axisOf(axis, rank)));
  if (gone.size === 0 || gone.has(rows.axis)) throw mixes(node);
  return keeps ? rows : { ...rows, axis: rows.axis - [...gone].filter((axis) => axis < rows.axis).length };
}

/** Axes as an attribute or as a constant input; the batch in them, or none at all, is no row-by-row operator. */
function axesIn(node: Node, look: Look): readonly number[] {
  const given = node.inputs[1] ?? '';
  const axes = axesOf(node, { values: new Map([[given, look.constant(given) ?? []]]) });
  if (!axes || axes.includes(null)) throw mixes(node);
  return axes as readonly number[];
}
