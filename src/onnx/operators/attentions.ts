// Attention as one operator: com.microsoft's MultiHeadAttention and Attention, and ONNX's own Attention.

import type { GraphNode } from '../file/model';
import { sizeOf } from './dims';
import { inputShape, type Known, type Operators } from './operator';
import { firstAxis, mixes, type Look, type Rows } from './rows';
import type { PartialValues } from './values';

export const ATTENTION: Operators = {
  MultiHeadAttention: {
    shape: (node, known) => {
      const [first, third] = [inputShape(node, known, 0), inputShape(node, known, 2)];
      return first?.length === 3 ? [...first.slice(0, 2), third?.at(-1) ?? first[2] ?? null] : null;
    },
    // [B, N, C] and [B, M, C]: QKᵀ and the sum over V.
    cost: (node, dims) => {
      const [first, second] = [dims(node.inputs[0]), dims(node.inputs[1])];
      return first?.length === 3 && second?.length === 3 ? 2 * sizeOf(first) * (second[1] ?? 1) : null;
    },
    rows: (node, look) => attention(node, look, 4),
  },
  Attention: {
    shape: (node, known) => (node.domain === '' ? ofTensors(node, known) : ofWeights(node, known)),
    rows: (node, look) => (node.domain === '' ? attention(node, look, 3) : oneTensorAttention(node, look)),
  },
};

/** ONNX's own: [B, tokens, heads·dim], or [B, heads, tokens, dim] with the sizes of V. */
function ofTensors(node: GraphNode, known: Known): PartialValues | null {
  const [first, third] = [inputShape(node, known, 0), inputShape(node, known, 2)];
  const heads = (name: string) => node.attributes.get(name)?.i ?? 0;
  if (first?.length === 4) return [...first.slice(0, 3), third?.[3] ?? null];
  return first?.length === 3 && heads('q_num_heads') === heads('kv_num_heads')
    ? [...first.slice(0, 2), third?.[2] ?? null]
    : null;
}

/** com.microsoft's is of one tensor, whose bias is packed. */
function ofWeights(node: GraphNode, known: Known): PartialValues | null {
  const [first, second, bias] = [0, 1, 2].map((index) => inputShape(node, known, index));
  if (!first || !second) return null;
  return [...first.slice(0, 2), bias ? (bias.map((size) => (size === null ? null : size / 3))[0] ?? null) : null];
}

/** Q, K and V in tensors of their own; a bias that is the same for all, no mask and no cache. */
function attention(node: GraphNode, look: Look, biases: number): Rows {
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
function oneTensorAttention(node: GraphNode, look: Look): Rows {
  if (node.inputs.slice(3).some((name) => name !== '') || node.outputs.slice(1).some((name) => name !== ''))
    throw mixes(node);
  return firstAxis(node, look, [0]);
}
