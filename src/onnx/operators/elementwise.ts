// Operators that make each element of the elements at the same place: of one value, or of several that are broadcast.

import { BOOL, FLOAT, type Node } from '../file/model';
import { castTo, isInteger } from './cast';
import { broadcast } from './dims';
import { alike, inputShape, inputValues, sameShape, type Known, type Operators } from './operator';
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

export const ELEMENTWISE: Operators = {
  ...alike(OF_ONE, { shape: sameShape }),
  Sqrt: {
    shape: sameShape,
    values: (node, known) =>
      inputValues(node, known, 0)?.map((x) => (x === null ? null : Math.fround(Math.sqrt(x)))) ?? null,
  },
  Cast: {
    weight: 'keeps',
    shape: sameShape,
    values: (node, known) =>
      inputValues(node, known, 0)?.map((x) => (x === null ? null : castTo(node.attributes.get('to')?.i ?? 0, x))) ??
      null,
    elemType: (node) => node.attributes.get('to')?.i ?? FLOAT,
  },
  CastLike: { elemType: typeOfSecond },
  Identity: { weight: 'keeps', shape: sameShape, values: (node, known) => inputValues(node, known, 0) },
  Not: { shape: sameShape, elemType: () => BOOL },
  ...alike(['IsNaN', 'IsInf'], { elemType: () => BOOL }),
  Mul: arithmetic((a, b) => a * b),
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Div: arithmetic((a, b) => a / b),
  Pow: arithmetic((a, b) => a ** b),
  Equal: { ...arithmetic((a, b) => Number(a === b)), elemType: () => BOOL },
  ...alike(COMPARISONS, { shape: ofAll, elemType: () => BOOL }),
  ...alike(['Max', 'Min', 'Mod', 'Sum'], { shape: ofAll }),
  Where: { shape: ofAll, values: chosen, elemType: typeOfSecond },
};

function ofAll(node: Node, { shapes }: Known): PartialValues | null {
  return node.inputs.reduce<PartialValues | null>((one, name) => {
    const other = shapes.get(name);
    return one && other ? broadcast(one, other) : null;
  }, []);
}

/** Of two values; of floats in f32, since no backend computes in f64. */
function arithmetic(f: (a: number, b: number) => number): Operators[string] {
  return {
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

function typeOfSecond(node: Node, types: Known['types']): number | undefined {
  return types.get(node.inputs[1] ?? '');
}

function chosen(node: Node, known: Known): PartialValues | null {
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
