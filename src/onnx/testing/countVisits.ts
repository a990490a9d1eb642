// How often passes look at a graph's nodes: each read of a node's field counts, wherever a walk comes by it. Unlike
// time it is the same on every machine, and what grows faster than the graph shows in two sizes of it.

import type { Model, GraphNode } from '../file/model';

/** The same model, and how many fields of its nodes have been read so far. Nodes that a pass makes anew are its own. */
export function countVisits(model: Model): { readonly model: Model; readonly visits: () => number } {
  let visits = 0;
  const handler: ProxyHandler<GraphNode> = {
    get: (node, field) => {
      visits += 1;
      return Reflect.get(node, field) as unknown;
    },
  };
  return { model: { ...model, nodes: model.nodes.map((node) => new Proxy(node, handler)) }, visits: () => visits };
}
