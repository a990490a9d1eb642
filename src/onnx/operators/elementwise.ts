// Operators that make each element of the elements at the same place: of one value, or of several that are broadcast.

import { withInputs } from '../file/makeNode';
import { BOOL, FLOAT, type GraphNode } from '../file/model';
import { castTo, isInteger } from './cast';
import { broadcast } from './dims';
import { alike, inputShape, inputValues, sameShape, type Known, type Operator, type Operators } from './operator';
import { mixes, type Look, type Maker, type Rebatched, type Rows } from './rows';
import type { PartialValues } from './values';

const OF_ONE = [
  'Dropout',
  'Sigmoid',
  'Erf',
  'Cos',
  'Sin',
  'Exp',
  'Neg',
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
  'BiasAdd',
];
const COMPARISONS = ['Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual', 'And', 'Or', 'Xor'];

/** A row of what they make is of that row alone; one number over and over makes one number over and over. */
const BY_ELEMENT: Operator = { rebatch: broadcasting, uniform: 'ofUniform' };

export const ELEMENTWISE: Operators = {
  ...alike(OF_ONE, { ...BY_ELEMENT, shape: sameShape }),
  Sqrt: {
    ...BY_ELEMENT,
    shape: sameShape,
    values: (node, known) =>
      inputValues(node, known, 0)?.map((x) => (x === null ? null : Math.fround(Math.sqrt(x)))) ?? null,
  },
  Cast: {
    ...BY_ELEMENT,
    weight: 'keeps',
    shape: sameShape,
    values: (node, known) =>
      inputValues(node, known, 0)?.map((x) => (x === null ? null : castTo(node.attributes.get('to')?.i ?? 0, x))) ??
      null,
    elemType: (node) => node.attributes.get('to')?.i ?? FLOAT,
  },
  CastLike: { elemType: typeOfSecond },
  Identity: { ...BY_ELEMENT, weight: 'keeps', shape: sameShape, values: (node, known) => inputValues(node, known, 0) },
  Not: { ...BY_ELEMENT, shape: sameShape, elemType: () => BOOL },
  ...alike(['IsNaN', 'IsInf'], { elemType: () => BOOL }),
  Mul: arithmetic((a, b) => a * b),
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Div: arithmetic((a, b) => a / b),
  Pow: arithmetic((a, b) => a ** b),
  Equal: { ...arithmetic((a, b) => Number(a === b)), elemType: () => BOOL },
  ...alike(COMPARISONS, { ...BY_ELEMENT, shape: ofAll, elemType: () => BOOL }),
  ...alike(['Max', 'Min', 'Mod', 'Sum'], { ...BY_ELEMENT, shape: ofAll }),
  Where: { ...BY_ELEMENT, shape: ofAll, values: chosen, elemType: typeOfSecond },
};

function ofAll(node: GraphNode, { shapes }: Known): PartialValues | null {
  return node.inputs.reduce<PartialValues | null>((one, name) => {
    const other = shapes.get(name);
    return one && other ? broadcast(one, other) : null;
  }, []);
}

/** Of two values; of floats in f32, since no backend computes in f64. */
function arithmetic(f: (a: number, b: number) => number): Operator {
  return {
    ...BY_ELEMENT,
    shape: (node, known) => {
      const [first, second] = [inputShape(node, known, 0), inputShape(node, known, 1)];
      return first && second ? broadcast(first, second) : null;
    },
    values: (node, known) =>
      pairwise(
        inputValues(node, known, 0),
        inputValues(node, known, 1),
        f,
        isInteger(known.types.get(node.inputs[0] ?? '') ?? FLOAT) ? asInteger : Math.fround,
      ),
  };
}

function typeOfSecond(node: GraphNode, types: Known['types']): number | undefined {
  return types.get(node.inputs[1] ?? '');
}

function chosen(node: GraphNode, known: Known): PartialValues | null {
  const [from, yes, no] = [0, 1, 2].map((index) => inputValues(node, known, index));
  return from?.length === yes?.length && from?.length === no?.length
    ? (from?.map((is, index) => (is === null ? null : ((is ? yes : no)?.[index] ?? null))) ?? null)
    : null;
}

function pairwise(
  a: PartialValues | null,
  b: PartialValues | null,
  f: (a: number, b: number) => number,
  held: (x: number) => number | null,
): PartialValues | null {
  if (!a || !b) return null;
  const length = Math.max(a.length, b.length);
  if (a.length !== length && a.length !== 1) return null;
  if (b.length !== length && b.length !== 1) return null;
  return Array.from({ length }, (_, index) => {
    const [x, y] = [a.length === 1 ? a[0] : a[index], b.length === 1 ? b[0] : b[index]];
    return x === null || x === undefined || y === null || y === undefined ? null : held(f(x, y));
  });
}

/**
 * An integer operation's result: quotients and powers lose their fractions, and what no number here holds is unknown.
 */
function asInteger(x: number): number | null {
  return Number.isSafeInteger(Math.trunc(x)) ? Math.trunc(x) + 0 : null;
}

/** A constant of as many entries as there were rows can stay only where it is the same for each. */
function broadcasting(node: GraphNode, look: Look, make: Maker): Rebatched {
  const shapes = node.inputs.map((name) => (name === '' ? [] : look.shape(name)));
  const rank = Math.max(...shapes.map((shape) => shape.length));
  let found: Rows | null = null;
  for (const [index, name] of node.inputs.entries()) {
    const rows = look.rows(name);
    if (!rows) continue;
    const axis = rows.axis + rank - shapes[index]!.length;
    if (found && (found.axis !== axis || found.each !== rows.each)) throw mixes(node);
    found = { axis, each: rows.each };
  }
  if (!found) throw mixes(node);
  const { axis } = found;
  const inputs = node.inputs.map((name, index) => {
    const shape = shapes[index]!;
    const at = axis - rank + shape.length;
    if (name === '' || look.rows(name) || at < 0 || shape[at] === 1) return name;
    if (!look.isUniform(name)) throw mixes(node);
    return make.first(name, at);
  });
  return {
    node: inputs.every((name, index) => name === node.inputs[index]) ? node : withInputs(node, inputs),
    rows: found,
  };
}
