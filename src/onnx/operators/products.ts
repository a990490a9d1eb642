// Products of matrices.

import type { GraphNode } from '../file/model';
import { broadcast, sizeOf } from './dims';
import { inputShape, type Known, type Operator, type Operators } from './operator';
import { before, eachOf, firstAxis, mixes, type Look, type Rows } from './rows';
import type { PartialValues } from './values';

export const PRODUCTS: Operators = {
  MatMul: {
    shape: (node, known) => {
      const [first, second] = [inputShape(node, known, 0), inputShape(node, known, 1)];
      return first && second ? matrixProduct(first, second) : null;
    },
    cost: sumsOverLastAxis,
    rows: matMul,
  },
  FusedMatMul: {
    shape: (node, known) => {
      const [first, second] = [inputShape(node, known, 0), inputShape(node, known, 1)];
      return first && second && !flag(node, 'transBatchA') && !flag(node, 'transBatchB')
        ? matrixProduct(transposed(first, flag(node, 'transA')), transposed(second, flag(node, 'transB')))
        : null;
    },
    cost: sumsOverLastAxis,
    rows: (node, look) => {
      if (
        ['transA', 'transB', 'transBatchA', 'transBatchB'].some((flag) => node.attributes.get(flag)?.i) &&
        onTwoLastAxes(node, look)
      )
        throw mixes(node);
      return matMul(node, look);
    },
  },
  MatMulNBits: {
    shape: (node, known) => {
      const first = inputShape(node, known, 0);
      return first && [...first.slice(0, -1), node.attributes.get('N')?.i || null];
    },
    rows: before(-1, [0]),
  },
  Gemm: {
    shape: (node, known) => {
      const [first, second] = [inputShape(node, known, 0), inputShape(node, known, 1)];
      const [a, b] = [flag(node, 'transA') ? 1 : 0, flag(node, 'transB') ? 0 : 1];
      return second && [first?.[a] ?? null, second[b] ?? null];
    },
    cost: (node, dims) => {
      const [first, out] = [dims(node.inputs[0]), dims(node.outputs[0])];
      return out && first
        ? sizeOf(out) * (node.attributes.get('transA')?.i === 1 ? (first[0] ?? 1) : (first[1] ?? 1))
        : null;
    },
    rows: (node, look) => {
      const summand = node.inputs[2] ?? '';
      const shape = summand === '' ? [] : look.shape(summand);
      const holds = look.rows(summand) !== null;
      if (node.attributes.get('transA')?.i || (holds ? shape.length !== 2 : shape.length > 1 && shape[0] !== 1))
        throw mixes(node);
      return firstAxis(node, look, holds ? [0, 2] : [0]);
    },
  },
  Einsum: {
    shape: einsumShape,
    rows: (node, look) => {
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
  },
};

/** What an equation `bhn,bnm->bhm` says of its operands; null with an ellipsis or without an arrow. */
function einsumTerms(node: GraphNode): { readonly inputs: readonly string[]; readonly output: string } | null {
  const match = /^([a-zA-Z,]*)->([a-zA-Z]*)$/.exec((node.attributes.get('equation')?.s ?? '').replaceAll(' ', ''));
  const inputs = match?.[1]?.split(',') ?? [];
  return match && inputs.length === node.inputs.length ? { inputs, output: match[2] ?? '' } : null;
}

function einsumShape(node: GraphNode, known: Known): PartialValues | null {
  const terms = einsumTerms(node);
  if (!terms) return null;
  const sizes = new Map<string, number | null>();
  terms.inputs.forEach((letters, index) =>
    Array.from(letters).forEach((letter, axis) =>
      sizes.set(letter, inputShape(node, known, index)?.[axis] ?? sizes.get(letter) ?? null),
    ),
  );
  return Array.from(terms.output, (letter) => sizes.get(letter) ?? null);
}

function flag({ attributes }: GraphNode, name: string): boolean {
  return Boolean(attributes.get(name)?.i);
}

/**
 * numpy's rule: a vector is a matrix of one row on the left, of one column on the right, whose axis is left out again.
 */
function matrixProduct(left: PartialValues, right: PartialValues): PartialValues {
  const matrix = [...left.slice(0, -1).slice(-1), ...(right.length > 1 ? right.slice(-1) : [])];
  return [...broadcast(left.slice(0, -2), right.slice(0, -2)), ...matrix];
}

/** With its last two axes the other way round, where `swaps`. */
function transposed(dims: PartialValues, swaps: boolean): PartialValues {
  return swaps && dims.length > 1 ? [...dims.slice(0, -2), dims.at(-1) ?? null, dims.at(-2) ?? null] : dims;
}

function sumsOverLastAxis(node: GraphNode, dims: Parameters<NonNullable<Operator['cost']>>[1]): number | null {
  const [first, out] = [dims(node.inputs[0]), dims(node.outputs[0])];
  return out && first ? sizeOf(out) * (first.at(-1) ?? 1) : null;
}

/** Rows in the stack of matrices of both operands, in that of one while the other has none, or in M or N of one. */
function matMul(node: GraphNode, look: Look): Rows {
  const operands = [0, 1].map((index) => node.inputs[index] ?? '');
  const ranks = operands.map((name) => look.shape(name).length);
  const rank = Math.max(...ranks);
  if (Math.min(...ranks) < 2) throw mixes(node);
  const places = operands.flatMap((name, index) => {
    const rows = look.rows(name);
    return rows ? [rows.axis + rank - ranks[index]!] : [];
  });
  const [axis = -1] = places;
  const summed = operands.some((name, index) => look.rows(name)?.axis === ranks[index]! - (index === 0 ? 1 : 2));
  const clash = operands.some((name, index) => {
    const at = axis - rank + ranks[index]!;
    return !look.rows(name) && axis < rank - 2 && at >= 0 && look.shape(name)[at] !== 1;
  });
  if (summed || clash || (places.length === 2 && (places[0] !== places[1] || axis >= rank - 2))) throw mixes(node);
  return { axis, each: eachOf(node, look) };
}

function onTwoLastAxes(node: GraphNode, look: Look): boolean {
  return node.inputs.some((name) => (look.rows(name)?.axis ?? -1) >= look.shape(name).length - 2);
}
