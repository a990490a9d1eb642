// Finds the self-attention sites of a UNet graph: softmax(Q·Kᵀ·scale)·V as exporters write it, unfused.
//
//   x ─ to_q ─ Reshape ─ Transpose ─ (Mul) ┐
//   x ─ to_k ─ Reshape ─ Transpose ─ (Mul) ┴ MatMul ─ (Mul|Div) ─ Softmax ─ MatMul ─ Transpose ─ Reshape ─ to_out
//   x ─ to_v ─ Reshape ─ Transpose ────────────────────────────────┘
//
// A site is bounded by [rows, tokens, heads·dim] tensors: what to_q, to_k and to_v give, and what to_out takes.
// Self-attention is told from cross-attention by structure: Q, K and V come from the same tensor.

import type { Graph } from './graph';
import type { Node } from './model';
import { modulePath, nameSites, type SiteName } from './names';

export interface Site extends SiteName {
  /** Values of shape [rows, tokens, heads·dim]. */
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly output: string;
  readonly heads: number;
  /** What the logits are multiplied with; null means 1/√dim. */
  readonly scale: number | null;
}

type Bounds = Omit<Site, keyof SiteName> & { readonly path: string | null };

/** Nodes between the parts of one attention: a handful in any export. */
const MAX_HOPS = 16;

/** The sites, in order of execution. */
export function findAttentionSites(graph: Graph): Site[] {
  const found: Bounds[] = [];
  for (const node of graph.model.nodes) {
    if (node.opType !== 'Softmax') continue;
    const site = matchSite(graph, node);
    if (site) found.push(site);
  }
  const names = nameSites(found.map((site) => site.path));
  return found.map(({ q, k, v, output, heads, scale }, index) => ({ ...(names[index] as SiteName), q, k, v, output, heads, scale }));
}

function matchSite(graph: Graph, softmax: Node): Bounds | null {
  const logits = backScaled(graph, softmax.inputs[0] ?? '');
  const scores = graph.producers.get(logits.value);
  if (scores?.opType !== 'MatMul') return null;
  const mix = graph.onlyReader(skipForward(graph, softmax.outputs[0] ?? '', ['Cast', 'Identity', 'Dropout']));
  if (mix?.opType !== 'MatMul') return null;
  const q = splitHeads(graph, scores.inputs[0] ?? '');
  const k = splitHeads(graph, scores.inputs[1] ?? '');
  const v = splitHeads(graph, mix.inputs[1] ?? '');
  if (!q || !k || !v) return null;
  const output = mergedOutput(graph, mix.outputs[0] ?? '');
  if (!output) return null;
  const sources = [q, k, v].map(({ value }) => projectionSource(graph, value));
  if (sources[0] === null || sources.some((source) => source !== sources[0])) return null;
  const heads = q.heads ?? k.heads ?? v.heads;
  if (heads === null) return null;
  const path = modulePath(softmax.name) ?? modulePath(mix.name) ?? modulePath(output);
  return { path, q: q.value, k: k.value, v: v.value, output, heads, scale: logits.scale * q.scale * k.scale };
}

/** Walks back over Cast, Identity, additions of zero and known scalar factors; returns the value and the product. */
function backScaled(graph: Graph, from: string): { value: string; scale: number } {
  let value = from;
  let scale = 1;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const node = graph.producers.get(value);
    if (!node) break;
    if (node.opType === 'Cast' || node.opType === 'Identity') {
      value = node.inputs[0] ?? '';
      continue;
    }
    const [left, right] = [node.inputs[0] ?? '', node.inputs[1] ?? ''];
    if (node.opType === 'Add' && (isZero(graph, left) || isZero(graph, right))) {
      value = isZero(graph, left) ? right : left;
      continue;
    }
    if (node.opType !== 'Mul' && node.opType !== 'Div') return { value, scale };
    const factor = graph.scalar(right);
    if (factor !== null) {
      scale = node.opType === 'Mul' ? scale * factor : scale / factor;
      value = left;
      continue;
    }
    const swapped = node.opType === 'Mul' ? graph.scalar(left) : null;
    if (swapped === null) return { value, scale };
    scale *= swapped;
    value = right;
  }
  return { value, scale };
}

/** baddbmm is exported with its ignored operand: an uninitialised tensor times β = 0. */
function isZero(graph: Graph, value: string): boolean {
  if (graph.scalar(value) === 0) return true;
  const node = graph.producers.get(value);
  return node?.opType === 'Mul' && node.inputs.some((input) => graph.scalar(input) === 0);
}

/** Walks back from a [.., tokens, dim] operand over layout operators to the Reshape that split the heads. */
function splitHeads(graph: Graph, from: string): { value: string; heads: number | null; scale: number } | null {
  let value = from;
  let scale = 1;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const scaled = backScaled(graph, value);
    scale *= scaled.scale;
    const node = graph.producers.get(scaled.value);
    if (!node || (node.opType !== 'Transpose' && node.opType !== 'Reshape')) return null;
    value = node.inputs[0] ?? '';
    if (node.opType !== 'Reshape') continue;
    const target = graph.values(node.inputs[1] ?? '');
    if (target?.length !== 4) continue;
    // [rows, tokens, heads, dim]
    return { value, heads: target[2] ?? headsFromDim(graph, value, target[3] ?? null), scale };
  }
  return null;
}

function headsFromDim(graph: Graph, projection: string, dim: number | null): number | null {
  const matmul = graph.producers.get(projection);
  const channels = graph.weightDims(matmul?.inputs[1] ?? '')?.at(-1);
  return channels && dim ? channels / dim : null;
}

/** Walks forward to the Reshape that merges the heads, whose output to_out reads. */
function mergedOutput(graph: Graph, from: string): string | null {
  let value = from;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const reader = graph.onlyReader(value);
    if (!reader || !['Transpose', 'Reshape', 'Cast', 'Identity'].includes(reader.opType)) return null;
    value = reader.outputs[0] ?? '';
    if (reader.opType === 'Reshape' && graph.values(reader.inputs[1] ?? '')?.length === 3) {
      const next = graph.onlyReader(value);
      if (next?.opType !== 'Transpose' && next?.opType !== 'Reshape') return value;
    }
  }
  return null;
}

/** The activation that a projection (MatMul or Gemm by a weight, perhaps with a bias added) reads. */
function projectionSource(graph: Graph, projection: string): string | null {
  let node = graph.producers.get(projection);
  if (node?.opType === 'Add') {
    const data = node.inputs.find((input) => graph.weightDims(input) === null);
    node = graph.producers.get(data ?? '');
  }
  if (!node || (node.opType !== 'MatMul' && node.opType !== 'Gemm')) return null;
  return graph.weightDims(node.inputs[1] ?? '') === null ? null : (node.inputs[0] ?? null);
}

function skipForward(graph: Graph, from: string, over: readonly string[]): string {
  let value = from;
  for (let reader = graph.onlyReader(value); reader && over.includes(reader.opType); reader = graph.onlyReader(value)) {
    value = reader.outputs[0] ?? '';
  }
  return value;
}
