// The self-attention sites of a UNet graph, in order of execution, by name; and what is like one but cannot be used.
// Names come from the exporter's own where it kept diffusers' module paths, else from the site's position.

import { isSelfAttention, matchAttention, type Attention, type Refusal } from './matchAttention';
import type { Graph } from '../graph/graph';
import { projectionNode } from './headLayout';
import type { GraphNode } from '../file/model';
import { modulePath, nameSites, type SiteName } from './names';
import { positionPaths } from './position';

export interface Site extends SiteName, Attention {}

export interface SiteSurvey {
  readonly sites: readonly Site[];
  /** Attentions that cannot be taken out of the graph, by reason. */
  readonly refused: ReadonlyMap<Refusal, number>;
}

/**
 * Pure: the graph is left as it is.
 * @param takesHeadDim whether the device perturbs heads of so many channels.
 */
export function surveySites(graph: Graph, takesHeadDim: (headDim: number) => boolean = () => true): SiteSurvey {
  const found: Attention[] = [];
  const paths: (string | null)[] = [];
  const refused = new Map<Refusal, number>();
  for (const node of graph.model.nodes) {
    const match = matchAttention(graph, node);
    if (typeof match === 'string') refused.set(match, (refused.get(match) ?? 0) + 1);
    else if (match && isSelfAttention(graph, match)) {
      found.push(match);
      paths.push(pathOf(graph, node, match));
    }
  }
  const named = !paths.includes(null) && new Set(paths).size === paths.length;
  const names = nameSites(named ? paths : positionPaths(graph, found));
  // Those that the device does not take count for the names of the others.
  const sites = found
    .map((site, index) => ({ ...names[index]!, ...site }))
    .filter((site) => {
      const channels = graph.shape(site.q)?.at(-1) ?? null;
      return channels === null || takesHeadDim(channels / site.heads);
    });
  if (sites.length < found.length) refused.set('headDim', found.length - sites.length);
  return { sites, refused };
}

/** Exporters keep module paths in the names of nodes, of values or of weights. */
function pathOf(graph: Graph, node: GraphNode, { q, output }: Attention): string | null {
  const projection = projectionNode(graph, q);
  const reader = projectionNode(graph, graph.onlyReader(output)?.outputs[0] ?? '');
  const names = [
    node.name,
    output,
    q,
    projection?.name,
    ...(projection?.inputs ?? []),
    ...(reader?.inputs ?? []),
    ...(graph.onlyReader(reader?.outputs[0] ?? '')?.inputs ?? []),
  ];
  for (const name of names) {
    const path = modulePath(name ?? '');
    if (path !== null) return path;
  }
  return null;
}
