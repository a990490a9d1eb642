// Cuts a graph at attention sites into segments that run one after the other, with our kernel between them.
//
// A node runs as late as it can (in the segment of its first reader): what the perturbed row must not repeat is
// then exactly what the first site needs, and little crosses a cut. Arithmetic on shapes and constants never
// crosses: it is cloned into each segment that needs it, because the number of rows differs behind the fork.
// Sites that do not depend on one another share a cut.

import type { Graph } from '../graph/graph';
import type { Model, GraphNode } from '../file/model';
import { readsOf } from '../file/order';
import type { Site } from '../sites/sites';

/** What lies at a cut: a value that is made between segments, of up to three others. */
export type Place = Pick<Site, 'q' | 'k' | 'v' | 'output'>;

export interface Segment<At extends Place = Site> {
  /** In topological order. */
  readonly nodes: readonly GraphNode[];
  /** Graph inputs, site outputs and values of earlier segments that this one reads. */
  readonly inputs: readonly string[];
  /** What sites, later segments or the caller read. */
  readonly outputs: readonly string[];
  /** The sites that run right behind this segment. */
  readonly sites: readonly At[];
}

/** Pure: `sites` may be any subset of what `surveySites` found; none gives the whole graph. */
export function cut<At extends Place = Site>(graph: Graph, sites: readonly NoInfer<At>[]): Segment<At>[] {
  const siteOf = new Map(sites.map((site) => [site.output, site]));
  const earliest = earliestSegments(graph, siteOf);
  const siteSegment = (site: At) => Math.max(...[site.q, site.k, site.v].map((value) => earliest.get(value) ?? 0));
  const count = Math.max(-1, ...sites.map(siteSegment)) + 2;
  const cloneable = cloneableNodes(graph);
  const latest = latestSegments(graph, sites, siteOf, siteSegment, count);
  const sitesBehind: At[][] = Array.from({ length: count }, () => []);
  for (const site of sites) sitesBehind[siteSegment(site)]?.push(site);
  const own: GraphNode[][] = Array.from({ length: count }, () => []);
  for (const node of graph.model.nodes) {
    const segment = latest.get(node);
    if (segment !== undefined && !cloneable.has(node)) own[segment]?.push(node);
  }
  const position = new Map(graph.model.nodes.map((node, index) => [node, index]));
  const drafts = own.map((mine, index) => {
    const cutSites = sitesBehind[index] ?? [];
    const asked = cutSites.flatMap((site) => [site.q, site.k, site.v]);
    if (index === count - 1) asked.push(...graph.model.outputs.map((output) => output.name));
    const wanted = [...mine.flatMap(readsOf), ...asked];
    const nodes = new Set(mine);
    for (let value = wanted.pop(); value !== undefined; value = wanted.pop()) {
      const producer = graph.producers.get(value);
      if (!producer || siteOf.has(value) || nodes.has(producer) || !cloneable.has(producer)) continue;
      nodes.add(producer);
      wanted.push(...readsOf(producer));
    }
    const ordered = [...nodes].sort((a, b) => (position.get(a) as number) - (position.get(b) as number));
    const made = new Set(ordered.flatMap((node) => node.outputs));
    const read = new Set(
      ordered.flatMap(readsOf).filter((value) => !made.has(value) && !graph.model.initializers.has(value)),
    );
    return { nodes: ordered, cutSites, asked, made, read };
  });

  // From the back: what a segment must hand on is what later ones read and do not make. Where clones make the
  // same value in several segments, the first of them hands it on.
  const readLater = new Map<string, number>();
  drafts.forEach(({ asked, made, read }, index) => {
    for (const value of [...read, ...asked]) if (!made.has(value)) readLater.set(value, index);
  });
  const produced = new Set<string>(graph.graphInputs);
  return drafts.map(({ nodes, cutSites, asked, made, read }, index) => {
    const handed = [...made].filter((value) => (readLater.get(value) ?? -1) > index);
    const outputs = [...new Set([...asked.filter((value) => made.has(value)), ...handed])].filter(
      (value) => !produced.has(value),
    );
    for (const value of outputs) produced.add(value);
    for (const site of cutSites) produced.add(site.output);
    return { nodes, inputs: [...read], outputs, sites: cutSites };
  });
}

/** Segment in which each value can exist at the earliest: how many cuts lie before it. */
function earliestSegments(graph: Graph, siteOf: ReadonlyMap<string, Place>): Map<string, number> {
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
function latestSegments<At extends Place>(
  graph: Graph,
  sites: readonly At[],
  siteOf: ReadonlyMap<string, Place>,
  siteSegment: (site: At) => number,
  count: number,
): Map<GraphNode, number> {
  const needed = new Map<string, number>();
  const need = (value: string, segment: number) => needed.set(value, Math.min(segment, needed.get(value) ?? count));
  for (const output of graph.model.outputs) need(output.name, count - 1);
  for (const site of sites) for (const value of [site.q, site.k, site.v]) need(value, siteSegment(site));
  const latest = new Map<GraphNode, number>();
  for (let index = graph.model.nodes.length - 1; index >= 0; index -= 1) {
    const node = graph.model.nodes[index]!;
    const readers = node.outputs.filter((output) => !siteOf.has(output)).flatMap((output) => needed.get(output) ?? []);
    if (readers.length === 0) continue;
    const segment = Math.min(...readers);
    latest.set(node, segment);
    for (const value of readsOf(node)) need(value, segment);
  }
  return latest;
}

/** Nodes that read only constants, or only shapes and constants: cheap, and safe to compute twice. */
function cloneableNodes(graph: Graph): Set<GraphNode> {
  const cloneable = new Set<GraphNode>();
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
export function segmentWeights(model: Model, segment: Segment<Place>): string[] {
  return [...new Set(segment.nodes.flatMap(readsOf))].filter((value) => model.initializers.has(value));
}
