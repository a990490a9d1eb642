// What is left of a graph when only some of its values are asked for.

import type { GraphNode } from '../file/model';
import { readsOf } from '../file/order';

/** The nodes on which one of the values depends, in their order. `nodes` must be in topological order. */
export function living(nodes: readonly GraphNode[], asked: Iterable<string>): GraphNode[] {
  const read = new Set(asked);
  const kept: GraphNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => read.has(output))) continue;
    for (const value of readsOf(node)) read.add(value);
    kept.push(node);
  }
  return kept.reverse();
}
