// Walks between an attention's products and the [rows, tokens, heads·dim] tensors that bound it, over the operators
// that exporters put there: the split into heads, transpositions, casts and factors of the logits.

import type { Graph } from '../graph/graph';
import type { GraphNode } from '../file/model';

/** Nodes between the parts of one attention: a handful in any export. */
const MAX_HOPS = 16;
const COPIES = new Set(['Cast', 'Identity', 'Dropout']);
const LAYOUT = new Set(['Transpose', 'Reshape']);
/** What takes one slice of a tensor. */
const PARTS = new Set(['Slice', 'Split', 'Gather']);
const PROJECTIONS = new Set(['MatMul', 'Gemm', 'FusedMatMul', 'MatMulNBits']);

export interface Heads {
  /** The value that is split into heads, [rows, tokens, heads·dim]. */
  readonly value: string;
  readonly heads: number | null;
  /** Product of the factors between that value and where the walk began. */
  readonly scale: number;
}

/** Walks back over Cast, Identity, additions of zero and known scalar factors; returns the value and the product. */
export function backScaled(graph: Graph, from: string): { value: string; scale: number } {
  let value = from;
  let scale = 1;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const node = graph.producers.get(value);
    if (!node) break;
    const [left = '', right = ''] = node.inputs;
    if (COPIES.has(node.opType)) {
      value = left;
    } else if (node.opType === 'Add' && (isZero(graph, left) || isZero(graph, right))) {
      value = isZero(graph, left) ? right : left;
    } else {
      const scaled = unscaled(graph, node);
      if (!scaled) break;
      value = scaled.value;
      scale *= scaled.scale;
    }
  }
  return { value, scale };
}

/** What a node multiplies with a known number, and the number; null where it does something else. */
function unscaled(graph: Graph, { opType, inputs }: GraphNode): { value: string; scale: number } | null {
  if (opType !== 'Mul' && opType !== 'Div') return null;
  const [left = '', right = ''] = inputs;
  const factor = graph.scalar(right);
  const swapped = opType === 'Mul' ? graph.scalar(left) : null;
  if (factor === null) return swapped === null ? null : { value: right, scale: swapped };
  return { value: left, scale: opType === 'Mul' ? factor : 1 / factor };
}

/** Walks back over known factors alone: a Cast changes the type. */
function unscaledBy(graph: Graph, from: string): { value: string; scale: number } {
  let found = { value: from, scale: 1 };
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const node = graph.producers.get(found.value);
    const next = node && unscaled(graph, node);
    if (!next) break;
    found = { value: next.value, scale: found.scale * next.scale };
  }
  return found;
}

/**
 * baddbmm is exported with its ignored operand:
 * an uninitialised tensor times β = 0, perhaps folded, perhaps the first part of that (./freeBatch).
 */
function isZero(graph: Graph, value: string): boolean {
  let source = value;
  let node = graph.producers.get(source);
  for (let hops = 0; hops < MAX_HOPS && node && (node.opType === 'Gather' || COPIES.has(node.opType)); hops += 1) {
    source = node.inputs[0] ?? '';
    node = graph.producers.get(source);
  }
  if (graph.scalar(value) === 0 || graph.scalar(source) === 0) return true;
  const stored =
    node?.opType === 'Constant' ? node.attributes.get('value')?.tensor : graph.model.initializers.get(source);
  if (stored) return stored.raw?.every((byte) => byte === 0) ?? false;
  return node?.opType === 'Mul' && node.inputs.some((input) => graph.scalar(input) === 0);
}

/**
 * Walks back from an operand over layout operators to the Reshape to [rows, tokens, heads, dim] that split the heads.
 * Gives 'sliced' where only a part of the heads or rows is taken, null for another arrangement.
 */
export function splitHeads(graph: Graph, from: string): Heads | 'sliced' | null {
  let value = from;
  let scale = 1;
  let split: Heads | null = null;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const scaled = backScaled(graph, value);
    const node = graph.producers.get(scaled.value);
    scale *= scaled.scale;
    if (!node || !LAYOUT.has(node.opType)) {
      if (!split && node && PARTS.has(node.opType)) return 'sliced';
      break;
    }
    value = node.inputs[0] ?? '';
    // K may be split and merged again on the way to its transpose: the Reshape next to the projection counts.
    const target = node.opType === 'Reshape' ? graph.values(node.inputs[1] ?? '') : null;
    if (target?.length === 4)
      split = { value, heads: target[2] ?? headsFromDim(graph, value, target[3] ?? null), scale };
  }
  if (!split || (graph.shape(split.value)?.length ?? 3) !== 3) return null;
  // A factor before the split is taken off too, so that the site begins at the projection.
  const before = unscaledBy(graph, split.value);
  return {
    value: before.value,
    scale: split.scale * before.scale,
    heads: split.heads !== null && split.heads > 0 ? split.heads : null,
  };
}

function headsFromDim(graph: Graph, projection: string, dim: number | null): number | null {
  const matmul = graph.producers.get(projection);
  const channels = graph.weightDims(matmul?.inputs[1] ?? '')?.at(-1);
  return channels && dim ? channels / dim : null;
}

/** Walks forward to the Reshape that merges the heads, whose output to_out reads. */
export function mergedOutput(graph: Graph, from: string): string | null {
  let value = from;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const reader = graph.onlyReader(value);
    if (!reader || (!LAYOUT.has(reader.opType) && !COPIES.has(reader.opType))) return null;
    value = reader.outputs[0] ?? '';
    if (reader.opType === 'Reshape' && graph.values(reader.inputs[1] ?? '')?.length === 3) {
      const next = graph.onlyReader(value);
      if (!next || !LAYOUT.has(next.opType)) return value;
    }
  }
  return null;
}

/**
 * The activation that a projection (a product with a weight, perhaps with a bias added,
 * perhaps one part of several) reads.
 */
export function projectionSource(graph: Graph, projection: string): string | null {
  const node = projectionNode(graph, projection);
  if (!node) return null;
  let source = node.inputs[0] ?? '';
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const before = graph.producers.get(source);
    if (!before || (!COPIES.has(before.opType) && before.opType !== 'Reshape')) break;
    source = before.inputs[0] ?? '';
  }
  return source;
}

/** The product with a weight that makes a value; null where something else does. */
export function projectionNode(graph: Graph, projection: string): GraphNode | null {
  let value = projection;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const node = graph.producers.get(value);
    if (!node) return null;
    if (PROJECTIONS.has(node.opType)) return graph.weightDims(node.inputs[1] ?? '') === null ? null : node;
    if (node.opType === 'Add')
      value = node.inputs.find((input) => graph.weightDims(input) === null && !isWeightPart(graph, input)) ?? '';
    else if (PARTS.has(node.opType) || COPIES.has(node.opType) || node.opType === 'Reshape')
      value = node.inputs[0] ?? '';
    else return null;
  }
  return null;
}

/** A part of a bias. */
function isWeightPart(graph: Graph, value: string): boolean {
  const node = graph.producers.get(value);
  return node?.opType === 'Slice' && graph.weightDims(node.inputs[0] ?? '') !== null;
}

export function skipCopies(graph: Graph, from: string): string {
  let value = from;
  for (let reader = graph.onlyReader(value); reader && COPIES.has(reader.opType); reader = graph.onlyReader(value)) {
    value = reader.outputs[0] ?? '';
  }
  return value;
}
