// A residual sum and the LayerNormalization of it as one SkipLayerNormalization of com.microsoft, which gives both:
//
//   s = a + b,  y = γ·(s − mean)/√(var + ε) + β
//
// It stands where the sum stood, since that may have readers before the norm.

import { makeNode } from '../file/makeNode';
import type { GraphNode, Model } from '../file/model';
import { MICROSOFT, withMicrosoft } from '../file/opsets';
import { Graph } from '../graph/graph';

/** [rows, tokens, channels]: the only rank that all providers have. */
const RANK = 3;

/** Pure. Sums whose operands are not known to have the same sizes stay as they are. */
export function fuseResidualNorms(model: Model): Model {
  const graph = new Graph(model);
  const places = new Map(model.nodes.map((node, place) => [node, place]));
  const fused = new Map<GraphNode, GraphNode>();
  const gone = new Set<GraphNode>();
  const isThereBefore = (value: string, node: GraphNode) => {
    const maker = graph.producers.get(value);
    return !maker || places.get(maker)! < places.get(node)!;
  };
  for (const norm of model.nodes) {
    if (norm.opType !== 'LayerNormalization' || norm.domain !== '') continue;
    const [sum = '', gamma = '', beta = ''] = norm.inputs;
    const add = graph.producers.get(sum);
    if (add?.opType !== 'Add' || fused.has(add) || !isOverLast(norm) || !haveSameSizes(graph, add.inputs)) continue;
    if (norm.outputs.slice(1).some((output) => output !== '') || ![gamma, beta].every((one) => isThereBefore(one, add)))
      continue;
    fused.set(
      add,
      makeNode(
        { name: norm.name, opType: 'SkipLayerNormalization', domain: MICROSOFT },
        [...add.inputs, gamma, ...(beta === '' ? [] : [beta])],
        [norm.outputs[0]!, '', '', sum],
        { epsilon: { float: norm.attributes.get('epsilon')?.f ?? 1e-5 } },
      ),
    );
    gone.add(norm);
  }
  if (gone.size === 0) return model;
  const nodes = model.nodes.filter((node) => !gone.has(node)).map((node) => fused.get(node) ?? node);
  return { ...model, nodes, opsets: withMicrosoft(model.opsets) };
}

function isOverLast(norm: GraphNode): boolean {
  const axis = norm.attributes.get('axis')?.i ?? -1;
  return axis === -1 || axis === RANK - 1;
}

function haveSameSizes(graph: Graph, operands: readonly string[]): boolean {
  const [a, b] = operands.map((operand) => graph.shape(operand));
  return a?.length === RANK && b?.length === RANK && a.every((size, axis) => size !== null && size === b[axis]);
}
