// What a forward costs, in multiply-accumulates of one row: convolutions, matrix products and attention; all else
// is small beside them. The perturbed row shares everything that does not depend on its first site.

import { factsAt } from '../graph/factsOf';
import type { Graph } from '../graph/graph';
import { multiplyAccumulates } from '../graph/needs';
import type { GraphNode } from '../file/model';
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
  const facts = factsAt(graph.model, inputDims);
  const costs = new Map(graph.model.nodes.map((node) => [node, multiplyAccumulates(node, facts)]));
  const total = [...costs.values()].reduce<number>((sum, cost) => sum + (cost ?? 0), 0);
  const complete = total > 0 && graph.model.nodes.every((node) => costs.get(node) !== null);
  return sites.map((site) => ({
    tokens: facts.shapes.get(site.q)?.at(1) ?? null,
    share: complete ? costBehind(graph, site.output, costs) / total : null,
  }));
}

/** Sum over the nodes that depend on a value. */
function costBehind(graph: Graph, value: string, costs: ReadonlyMap<GraphNode, number | null>): number {
  const seen = new Set<GraphNode>();
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
