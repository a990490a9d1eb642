// Cuts a graph at attention sites into segments that run one after the other, with our kernel between them.
//
// A node runs as late as it can (in the segment of its first reader): what the perturbed row must not repeat is
// then exactly what the first site needs, and little crosses a cut. Arithmetic on shapes and constants never
// crosses: it is cloned into each segment that needs it, because the number of rows differs behind the fork.
// Sites that do not depend on one another share a cut.

import type { Graph} from './graph';
import { readsOf } from './graph';
import type { Model, Node } from './model';
import type { Site } from './sites';

export interface Segment {
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** Graph inputs, site outputs and values of earlier segments that this one reads. */
  readonly inputs: readonly string[];
  /** What sites, later segments or the caller read. */
  readonly outputs: readonly string[];
  /** The sites that run right behind this segment. */
  readonly sites: readonly Site[];
}

/** Pure: `sites` may be any subset of what `findAttentionSites` found; none gives the whole graph. */
export function cut(graph: Graph, sites: readonly Site[]): Segment[] {
  const siteOf = new Map(sites.map((site) => [site.output, site]));
  const earliest = earliestSegments(graph, siteOf);
  const siteSegment = (site: Site) => Math.max(...[site.q, site.k, site.v].map((value) => earliest.get(value) ?? 0));
  const count = Math.max(-1, ...sites.map(siteSegment)) + 2;
  const cloneable = cloneableNodes(graph);
  const latest = latestSegments(graph, sites, siteOf, siteSegment, count);
  const home = (node: Node) => latest.get(node);

  const segments: Segment[] = [];
  const produced = new Set<string>(graph.graphInputs);
  const drafts = Array.from({ length: count }, (_, index) => {
    const own = graph.model.nodes.filter((node) => home(node) === index && !cloneable.has(node));
    const wanted = [...own.flatMap(readsOf)];
    const cutSites = sites.filter((site) => siteSegment(site) === index);
    for (const site of cutSites) wanted.push(site.q, site.k, site.v);
    if (index === count - 1) wanted.push(...graph.model.outputs.map((output) => output.name));
    const nodes = new Set(own);
    for (let value = wanted.pop(); value !== undefined; value = wanted.pop()) {
      const producer = graph.producers.get(value);
      if (!producer || siteOf.has(value) || nodes.has(producer) || !cloneable.has(producer)) continue;
      nodes.add(producer);
      wanted.push(...readsOf(producer));
    }
    return { nodes: graph.model.nodes.filter((node) => nodes.has(node)), cutSites };
  });

  drafts.forEach(({ nodes, cutSites }, index) => {
    const made = new Set(nodes.flatMap((node) => node.outputs));
    const inputs = new Set(nodes.flatMap(readsOf).filter((value) => !made.has(value) && !graph.model.initializers.has(value)));
    const needed = new Set<string>(cutSites.flatMap((site) => [site.q, site.k, site.v]));
    if (index === count - 1) for (const output of graph.model.outputs) needed.add(output.name);
    for (const later of drafts.slice(index + 1)) {
      const laterMade = new Set(later.nodes.flatMap((node) => node.outputs));
      for (const value of later.nodes.flatMap(readsOf)) if (!laterMade.has(value)) needed.add(value);
      for (const site of later.cutSites) for (const value of [site.q, site.k, site.v]) if (!laterMade.has(value)) needed.add(value);
    }
    const outputs = [...needed].filter((value) => made.has(value) && !produced.has(value));
    for (const value of outputs) produced.add(value);
    for (const site of cutSites) produced.add(site.output);
    segments.push({ nodes, inputs: [...inputs], outputs, sites: cutSites });
  });
  return segments;
}

/** Segment in which each value can exist at the earliest: how many cuts lie before it. */
function earliestSegments(graph: Graph, siteOf: ReadonlyMap<string, Site>): Map<string, number> {
  const earliest = new Map<string, number>();
  for (const node of graph.model.nodes) {
    const ready = Math.max(0, ...readsOf(node).map((value) => earliest.get(value) ?? 0));
    for (const output of node.outputs) {
      const site = siteOf.get(output);
      if (!site) earliest.set(output, ready);
      else earliest.set(output, 1 + Math.max(...[site.q, site.k, site.v].map((value) => earliest.get(value) ?? 0)));
    }
  }
  return earliest;
}

/** Segment of each node's first reader. Nodes that only a site replaced (its softmax) have none. */
function latestSegments(
  graph: Graph,
  sites: readonly Site[],
  siteOf: ReadonlyMap<string, Site>,
  siteSegment: (site: Site) => number,
  count: number,
): Map<Node, number> {
  const needed = new Map<string, number>();
  const need = (value: string, segment: number) => needed.set(value, Math.min(segment, needed.get(value) ?? count));
  for (const output of graph.model.outputs) need(output.name, count - 1);
  for (const site of sites) for (const value of [site.q, site.k, site.v]) need(value, siteSegment(site));
  const latest = new Map<Node, number>();
  for (let index = graph.model.nodes.length - 1; index >= 0; index -= 1) {
    const node = graph.model.nodes[index] as Node;
    const readers = node.outputs.filter((output) => !siteOf.has(output)).flatMap((output) => needed.get(output) ?? []);
    if (readers.length === 0) continue;
    const segment = Math.min(...readers);
    latest.set(node, segment);
    for (const value of readsOf(node)) need(value, segment);
  }
  return latest;
}

/** Nodes that read only constants, or only shapes and constants: cheap, and safe to compute twice. */
function cloneableNodes(graph: Graph): Set<Node> {
  const cloneable = new Set<Node>();
  const free = (value: string) => {
    if (graph.model.initializers.has(value)) return true;
    const producer = graph.producers.get(value);
    return producer !== undefined && cloneable.has(producer);
  };
  for (const node of graph.model.nodes) {
    if (node.opType === 'Shape' || node.opType === 'Size' || readsOf(node).every(free)) cloneable.add(node);
  }
  return cloneable;
}

/** The part of `model` that a segment needs, ready to be written. */
export function segmentWeights(model: Model, segment: Segment): string[] {
  return [...new Set(segment.nodes.flatMap(readsOf))].filter((value) => model.initializers.has(value));
}
