// The order in which nodes can run. ONNX demands that a file is in it already, and that every value is made once;
// some converters append nodes at the end, so what can be put in order is. Everything behind this file may rely
// on it: a walk along inputs ends, and one pass over the nodes sees each value before its readers.

import type { GraphNode, Tensor, ValueInfo } from './model';
import { WireError } from './protobuf';

/** Far above any diffusion model (SDXL: about 15,000); keeps a hostile file from filling the memory. */
export const MAX_NODES = 100_000;
/** Of one node: the widest are Concats. */
const MAX_READS = 10_000;

/** Every value that a node reads: its inputs and what its subgraphs capture. */
export function readsOf(node: GraphNode): string[] {
  return [...node.inputs.filter((name) => name !== ''), ...node.captured];
}

/**
 * The nodes in topological order; as they were where they are in it.
 * @throws WireError for a cycle, a value that is made twice, or one that nothing makes.
 */
export function inOrder(
  nodes: readonly GraphNode[],
  inputs: readonly ValueInfo[],
  initializers: ReadonlyMap<string, Tensor>,
): readonly GraphNode[] {
  const known = new Set<string>([...inputs.map((input) => input.name), ...initializers.keys()]);
  const makers = new Map<string, GraphNode>();
  for (const node of nodes) {
    if (readsOf(node).length + node.outputs.length > MAX_READS)
      throw new WireError('A node reads or makes more values than any operator takes.');
    for (const output of node.outputs) {
      if (output === '') continue;
      if (known.has(output) || makers.has(output)) throw new WireError(`The value ${output} is made twice.`);
      makers.set(output, node);
    }
  }
  const waiting = new Map<GraphNode, number>();
  const readers = new Map<GraphNode, GraphNode[]>();
  let sorted = true;
  const seen = new Set<GraphNode>();
  for (const node of nodes) {
    let missing = 0;
    for (const value of readsOf(node)) {
      const maker = makers.get(value);
      if (!maker) {
        if (!known.has(value)) throw new WireError(`Nothing makes the value ${value}.`);
        continue;
      }
      missing += 1;
      sorted &&= seen.has(maker);
      const list = readers.get(maker);
      if (list) list.push(node);
      else readers.set(maker, [node]);
    }
    waiting.set(node, missing);
    seen.add(node);
  }
  if (sorted) return nodes;
  const order = nodes.filter((node) => waiting.get(node) === 0);
  for (let at = 0; at < order.length; at += 1) {
    for (const reader of readers.get(order[at]!) ?? []) {
      const left = (waiting.get(reader) as number) - 1;
      waiting.set(reader, left);
      if (left === 0) order.push(reader);
    }
  }
  if (order.length < nodes.length) throw new WireError('The graph has a cycle.');
  return order;
}
