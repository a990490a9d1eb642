// Attention in every form in which graphs hold it: as separate operators, as ONNX's Attention (opset 23) and as
// MultiHeadAttention of com.microsoft (packed ones are taken apart before: ./unpack).
//
//   x ─ to_q ─ Reshape ─ Transpose ─ (Mul|Div) ┐
//   y ─ to_k ─ Reshape ─ Transpose ─ (Mul|Div) ┴ MatMul ─ (Mul|Div) ─ Softmax ─ MatMul ─ Transpose ─ Reshape ─ to_out
//   y ─ to_v ─ Reshape ─ Transpose ──────────────────────────────────────┘
//
// Either product may be an Einsum.

import { scoredOperands, scoresFactor, weightedOperand } from './attentionProducts';
import type { Graph } from '../graph/graph';
import { backScaled, mergedOutput, projectionSource, skipCopies, splitHeads, type Heads } from './headLayout';
import type { GraphNode } from '../file/model';

export interface Attention {
  /** Values of shape [rows, tokens, heads·dim]. */
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly output: string;
  readonly heads: number;
  /** What the logits are multiplied with; null means 1/√dim. */
  readonly scale: number | null;
}

/** Why an attention cannot be taken out of a graph. */
export type Refusal = 'sliced' | 'masked' | 'cached' | 'layout' | 'headDim';

/** The attention at whose heart a node lies; null where the node is no heart of one. */
export function matchAttention(graph: Graph, node: GraphNode): Attention | Refusal | null {
  if (node.opType === 'Softmax') return matchUnfused(graph, node);
  if (node.opType === 'MultiHeadAttention') return matchMultiHead(node);
  if (node.opType !== 'Attention') return null;
  return node.domain === '' ? matchStandard(graph, node) : (refusedFused(node) ?? 'layout');
}

/** Self-attention is told from cross-attention by structure: Q, K and V come from the same tensor. */
export function isSelfAttention(graph: Graph, { q, k, v }: Attention): boolean {
  const sources = [q, k, v].map((value) => projectionSource(graph, value));
  return sources[0] !== null && sources.every((source) => source === sources[0]);
}

function matchUnfused(graph: Graph, softmax: GraphNode): Attention | Refusal | null {
  const axis = softmax.attributes.get('axis')?.i ?? -1;
  const logits = backScaled(graph, softmax.inputs[0] ?? '');
  const scores = graph.producers.get(logits.value);
  const weights = skipCopies(graph, softmax.outputs[0] ?? '');
  const mix = graph.onlyReader(weights);
  const values = mix && weightedOperand(mix, weights);
  if (!mix || values === null) return null;
  if (scores?.opType === 'Add') return 'masked';
  const operands = scores && scoredOperands(scores);
  if (!operands || (axis !== -1 && axis < 2)) return null;
  return withHeads(graph, [...operands, values], mix.outputs[0], logits.scale * scoresFactor(scores));
}

/** com.microsoft.MultiHeadAttention: bias (3) was taken off, masks (4, 5) and caches (6 …) are given by position. */
function matchMultiHead(node: GraphNode): Attention | Refusal {
  const [q = '', k = '', v = '', bias = ''] = node.inputs;
  const heads = node.attributes.get('num_heads')?.i ?? 0;
  const refused = refusedFused(node);
  if (refused) return refused;
  if (q === '' || k === '' || v === '' || bias !== '' || heads < 1) return 'layout';
  return { q, k, v, output: node.outputs[0] ?? '', heads, scale: node.attributes.get('scale')?.f || null };
}

/** ONNX's own: 3-D with the number of heads as an attribute, or [rows, heads, tokens, dim]. */
function matchStandard(graph: Graph, node: GraphNode): Attention | Refusal {
  const [q = '', k = '', v = ''] = node.inputs;
  const refused = refusedFused(node);
  if (refused) return refused;
  const scale = node.attributes.get('scale')?.f || null;
  const [heads, keyHeads] = [node.attributes.get('q_num_heads')?.i ?? 0, node.attributes.get('kv_num_heads')?.i ?? 0];
  if (heads > 0) return heads === keyHeads ? { q, k, v, output: node.outputs[0] ?? '', heads, scale } : 'layout';
  const found = withHeads(graph, [q, k, v], node.outputs[0], 1);
  if (found === null || typeof found === 'string') return found ?? 'layout';
  // Exporters may scale Q and K themselves and say so with the attribute 1.
  if (scale === null) return found.scale === 1 ? { ...found, scale } : 'layout';
  return { ...found, scale: scale * (found.scale ?? 1) };
}

/** Why one operator is more than the attention of Q, K and V; null where it is no more. */
export function refusedFused(node: GraphNode): Refusal | null {
  const maskAt = node.opType === 'MultiHeadAttention' ? 4 : 3;
  const flag = (name: string) => (node.attributes.get(name)?.i ?? 0) !== 0;
  if (node.inputs.slice(maskAt).some((name) => name !== '')) {
    const masks = node.inputs.slice(maskAt, maskAt === 4 ? 6 : maskAt + 1);
    return masks.some((name) => name !== '') ? 'masked' : 'cached';
  }
  if (flag('is_causal') || flag('unidirectional')) return 'masked';
  if (node.outputs.slice(1).some((name) => name !== '')) return 'cached';
  return (node.attributes.get('softcap')?.f ?? 0) === 0 ? null : 'layout';
}

function withHeads(
  graph: Graph,
  operands: readonly (string | undefined)[],
  product: string | undefined,
  scale: number,
): Attention | Refusal | null {
  const parts = operands.map((operand) => splitHeads(graph, operand ?? ''));
  if (parts.includes('sliced')) return 'sliced';
  const [q, k, v] = parts as readonly (Heads | null)[];
  const output = mergedOutput(graph, product ?? '');
  if (!q || !k || !v || output === null) return 'layout';
  const heads = q.heads ?? k.heads ?? v.heads;
  if (heads === null || !Number.isInteger(heads) || v.scale !== 1) return 'layout';
  return { q: q.value, k: k.value, v: v.value, output, heads, scale: scale * q.scale * k.scale };
}
