// What a forward costs, in multiply-accumulates of one row: convolutions, matrix products and attention; all else
// is small beside them. The perturbed row shares everything that does not depend on its first site.

import { inferFacts, type Facts } from '../graph/facts';
import type { Graph } from '../graph/graph';
import type { Node } from '../file/model';
import type { Site } from './sites';

export interface SiteCost {
  /** Tokens that attend to one another, N; null where the graph does not tell. */
  readonly tokens: number | null;
  /** Part of a forward, 0 … 1, that a row perturbed from this site on must run for itself; null where not known. */
  readonly share: number | null;
}

/** For each site, at the sizes that the inputs have in `inputDims`; rows must be 1 there. */
export function siteCosts(
  graph: Graph,
  sites: readonly Site[],
  inputDims: ReadonlyMap<string, readonly number[]>,
): SiteCost[] {
  const facts = inferFacts(graph.model, inputDims);
  const costs = new Map(graph.model.nodes.map((node) => [node, multiplyAccumulates(node, facts)]));
  const total = [...costs.values()].reduce<number>((sum, cost) => sum + (cost ?? 0), 0);
  const complete = total > 0 && graph.model.nodes.every((node) => costs.get(node) !== null);
  return sites.map((site) => ({
    tokens: facts.shapes.get(site.q)?.at(1) ?? null,
    share: complete ? costBehind(graph, site.output, costs) / total : null,
  }));
}

/** Sum over the nodes that depend on a value. */
function costBehind(graph: Graph, value: string, costs: ReadonlyMap<Node, number | null>): number {
  const seen = new Set<Node>();
  const waiting = [value];
  let sum = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const node of graph.readers(next)) {
      if (seen.has(node)) continue;
      seen.add(node);
      sum += costs.get(node) ?? 0;
      waiting.push(...node.outputs);
    }
  }
  return sum;
}

/** Of one node; null where a shape that it needs is not known. */
export function multiplyAccumulates(node: Node, { shapes }: Facts): number | null {
  const shape = (name: string | undefined) => {
    // What is not known of a first axis is rows, which exporters carry through Expand and Where: here one.
    const dims = shapes.get(name ?? '')?.map((dim, axis) => dim ?? (axis === 0 ? 1 : null));
    return dims?.every((dim) => dim !== null) ? dims : null;
  };
  const [first, second, out] = [shape(node.inputs[0]), shape(node.inputs[1]), shape(node.outputs[0])];
  const size = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);
  switch (node.opType) {
    // Each output element sums over the kernel of its group.
    case 'Conv':
      return out && second ? size(out) * size(second.slice(1)) : null;
    case 'MatMul':
    case 'FusedMatMul':
      return out && first ? size(out) * (first.at(-1) ?? 1) : null;
    case 'Gemm':
      return out && first
        ? size(out) * (node.attributes.get('transA')?.i === 1 ? (first[0] ?? 1) : (first[1] ?? 1))
        : null;
    // [B, N, C] and [B, M, C]: QKᵀ and the sum over V.
    case 'MultiHeadAttention':
      return first?.length === 3 && second?.length === 3 ? 2 * size(first) * (second[1] ?? 1) : null;
    default:
      return 0;
  }
}
