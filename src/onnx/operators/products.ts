// Products of matrices.

import type { Node } from '../file/model';
import { broadcast, sizeOf } from './dims';
import { inputShape, type Known, type Operator, type Operators } from './operator';
import type { PartialValues } from './values';

export const PRODUCTS: Operators = {
  MatMul: {
    shape: (node, known) => {
      const [first, second] = [inputShape(node, known, 0), inputShape(node, known, 1)];
      return first && second ? matrixProduct(first, second) : null;
    },
    cost: sumsOverLastAxis,
  },
  FusedMatMul: {
    shape: (node, known) => {
      const [first, second] = [inputShape(node, known, 0), inputShape(node, known, 1)];
      return first && second && !flag(node, 'transBatchA') && !flag(node, 'transBatchB')
        ? matrixProduct(transposed(first, flag(node, 'transA')), transposed(second, flag(node, 'transB')))
        : null;
    },
    cost: sumsOverLastAxis,
  },
  MatMulNBits: {
    shape: (node, known) => {
      const first = inputShape(node, known, 0);
      return first && [...first.slice(0, -1), node.attributes.get('N')?.i || null];
    },
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
  },
  Einsum: { shape: einsumShape },
};

/** What an equation `bhn,bnm->bhm` says of its operands; null with an ellipsis or without an arrow. */
export function einsumTerms(node: Node): { readonly inputs: readonly string[]; readonly output: string } | null {
  const match = /^([a-zA-Z,]*)->([a-zA-Z]*)$/.exec((node.attributes.get('equation')?.s ?? '').replaceAll(' ', ''));
  const inputs = match?.[1]?.split(',') ?? [];
  return match && inputs.length === node.inputs.length ? { inputs, output: match[2] ?? '' } : null;
}

function einsumShape(node: Node, known: Known): PartialValues | null {
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

function flag({ attributes }: Node, name: string): boolean {
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

function sumsOverLastAxis(node: Node, dims: Parameters<NonNullable<Operator['cost']>>[1]): number | null {
  const [first, out] = [dims(node.inputs[0]), dims(node.outputs[0])];
  return out && first ? sizeOf(out) * (first.at(-1) ?? 1) : null;
}
