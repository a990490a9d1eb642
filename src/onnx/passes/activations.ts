// Activations made of separate operators, as exporters write them, as ONNX Runtime's own ones: each is one dispatch on
// a GPU in the place of two to five.
//
//   x·σ(x), x·σ(αx)              QuickGelu of com.microsoft, with α (1 is SiLU)
//   x/2·(1 + erf(x/√2))          Gelu of com.microsoft, however the factors are ordered
//
// The value that the last of them made is made by the new node, so that whoever reads it is left alone.

import { makeNode } from '../file/makeNode';
import { FLOAT, FLOAT16, type GraphNode, type Model } from '../file/model';
import { MICROSOFT, withMicrosoft } from '../file/opsets';
import { Graph } from '../graph/graph';
import { living } from '../graph/living';

/** How far a constant may be from the number that it stands for: as far as the type rounds it that is computed in. */
const ROUNDING: ReadonlyMap<number, number> = new Map([
  [FLOAT, 2 ** -23],
  [FLOAT16, 2 ** -10],
]);

/** Pure. */
export function fuseActivations(model: Model): Model {
  const graph = new Graph(model);
  const replaced = new Map<GraphNode, GraphNode>();
  for (const node of model.nodes) {
    if (node.domain !== '') continue;
    const made = node.opType === 'Erf' ? gelu(graph, node) : node.opType === 'Sigmoid' ? swish(graph, node) : null;
    if (made) replaced.set(made.last, made.node);
  }
  if (replaced.size === 0) return model;
  const nodes = model.nodes.map((node) => replaced.get(node) ?? node);
  const asked = model.outputs.map((output) => output.name);
  return { ...model, nodes: living(nodes, asked), opsets: withMicrosoft(model.opsets) };
}

interface Fused {
  readonly last: GraphNode;
  readonly node: GraphNode;
}

function swish(graph: Graph, sigmoid: GraphNode): Fused | null {
  const [inside = ''] = sigmoid.inputs;
  const last = graph.onlyReader(sigmoid.outputs[0] ?? '');
  if (last?.opType !== 'Mul') return null;
  const x = other(last, sigmoid.outputs[0]!);
  const alpha = x === inside ? 1 : scaleOf(graph, graph.producers.get(inside), x);
  return alpha === null ? null : { last, node: fused('QuickGelu', last, x, { alpha: { float: alpha } }) };
}

function gelu(graph: Graph, erf: GraphNode): Fused | null {
  const shrunk = graph.producers.get(erf.inputs[0] ?? '');
  const [x = ''] = shrunk?.inputs.filter((name) => graph.scalar(name) === null) ?? [];
  const scale = scaleOf(graph, shrunk, x);
  const rounding = ROUNDING.get(graph.elemType(x)) ?? 0;
  const isClose = (value: number | null, expected: number) =>
    value !== null && Math.abs(value - expected) <= rounding * expected;
  const sum = graph.onlyReader(erf.outputs[0] ?? '');
  if (!isClose(scale, Math.SQRT1_2) || sum?.opType !== 'Add') return null;
  if (!isClose(graph.scalar(other(sum, erf.outputs[0]!)), 1)) return null;
  // What is left are products with x and with one half, in any order.
  let last = sum;
  let [byX, byHalf] = [false, false];
  while (!byX || !byHalf) {
    const [value = ''] = last.outputs;
    const next: GraphNode | null = graph.onlyReader(value);
    if (next?.opType !== 'Mul') return null;
    const factor = other(next, value);
    if (!byX && factor === x) byX = true;
    else if (!byHalf && isClose(graph.scalar(factor), 0.5)) byHalf = true;
    else if (!byX && !byHalf && isClose(scaleOf(graph, graph.producers.get(factor), x), 0.5))
      [byX, byHalf] = [true, true];
    else return null;
    last = next;
  }
  return { last, node: fused('Gelu', last, x, {}) };
}

/** c where the node makes c·x. */
function scaleOf(graph: Graph, node: GraphNode | undefined, x: string): number | null {
  if (node?.opType === 'Div' && node.inputs[0] === x) {
    const by = graph.scalar(node.inputs[1] ?? '');
    return by === null ? null : 1 / by;
  }
  return node?.opType === 'Mul' && node.inputs.includes(x) ? graph.scalar(other(node, x)) : null;
}

/** The other factor or summand; the same where both are. */
function other({ inputs: [a = '', b = ''] }: GraphNode, one: string): string {
  return a === one ? b : a;
}

function fused(opType: string, last: GraphNode, x: string, attributes: Parameters<typeof makeNode>[3]): GraphNode {
  return makeNode({ name: last.name, opType, domain: MICROSOFT }, [x], last.outputs, attributes);
}
