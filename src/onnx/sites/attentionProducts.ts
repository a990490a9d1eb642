// The two products of an attention in separate operators: which operand is Q, K or V. Each is a MatMul, an Einsum
// (which CompVis' and other UNets with einsum keep through both exporters) or, in files that ONNX Runtime optimised, a
// FusedMatMul of com.microsoft with the factor of the logits in it and K as it is or transposed.
//
//   scores[…, i, j] = Σ_d Q[…, i, d]·K[…, j, d]        out[…, i, …, d] = Σ_j P[…, i, j]·V[…, j, …, d]

import type { GraphNode } from '../file/model';

/** Q and K; null where the node is no product of theirs with one row a query. */
export function scoredOperands(node: GraphNode): readonly [string, string] | null {
  const [first = '', second = ''] = node.inputs;
  if (
    node.opType === 'MatMul' ||
    (node.opType === 'FusedMatMul' && isPlain(node, ['transA', 'transBatchA', 'transBatchB']))
  )
    return [first, second];
  const terms = einsumTerms(node);
  if (!terms) return null;
  const [left, right, result] = terms;
  const [row = '', column = ''] = result.slice(-2);
  const sums = Array.from(left).some((index) => right.includes(index) && !result.includes(index));
  if (!sums || row === '' || column === '') return null;
  if (only(row, left, right) && only(column, right, left)) return [first, second];
  return only(row, right, left) && only(column, left, right) ? [second, first] : null;
}

/** What a product of Q and K is multiplied with. */
export function scoresFactor(node: GraphNode): number {
  return node.opType === 'FusedMatMul' ? (node.attributes.get('alpha')?.f ?? 1) : 1;
}

/** V; null where the node is no sum over the keys of `weights` times values. */
export function weightedOperand(node: GraphNode, weights: string): string | null {
  const [first = '', second = ''] = node.inputs;
  const isProduct =
    node.opType === 'MatMul' ||
    (node.opType === 'FusedMatMul' &&
      scoresFactor(node) === 1 &&
      isPlain(node, ['transA', 'transB', 'transBatchA', 'transBatchB']));
  if (isProduct) return first === weights ? second : null;
  const terms = einsumTerms(node);
  if (!terms || (first === weights) === (second === weights)) return null;
  const [probabilities, values] = first === weights ? [terms[0], terms[1]] : [terms[1], terms[0]];
  const [row = '', column = ''] = probabilities.slice(-2);
  const channel = terms[2].at(-1) ?? '';
  const isMix =
    values.includes(column) &&
    !terms[2].includes(column) &&
    only(row, probabilities, values) &&
    only(channel, values, probabilities);
  return isMix && terms[2].includes(row) ? (first === weights ? second : first) : null;
}

function isPlain({ attributes }: GraphNode, flags: readonly string[]): boolean {
  return flags.every((flag) => !attributes.get(flag)?.i);
}

function only(index: string, here: string, there: string): boolean {
  return here.includes(index) && !there.includes(index);
}

/** The indices of both operands and of the result; an ellipsis, which stands for rows and heads, is left out. */
function einsumTerms({ opType, inputs, attributes }: GraphNode): readonly [string, string, string] | null {
  if (opType !== 'Einsum' || inputs.length !== 2) return null;
  const terms = (attributes.get('equation')?.s ?? '').replaceAll(/\s|\.\.\./g, '').split(/,|->/);
  return terms.length === 3 ? (terms as [string, string, string]) : null;
}
