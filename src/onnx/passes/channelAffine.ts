// What follows a GroupNorm that is written as a Reshape to groups, an InstanceNormalization and a Reshape back: a
// factor and a summand for each channel, as one BatchNormalization of mean 0 and variance 1 in the place of two
// operators.
//
//   y[r, c, …] = w[c]·x[r, c, …] + b[c]

import { int64s, makeNode } from '../file/makeNode';
import { FLOAT, FLOAT16, type GraphNode, type Model, type Tensor } from '../file/model';
import { Graph } from '../graph/graph';
import { living } from '../graph/living';

/** 1 by element type. */
const ONE: ReadonlyMap<number, Float32Array | Uint16Array> = new Map<number, Float32Array | Uint16Array>([
  [FLOAT, Float32Array.of(1)],
  [FLOAT16, Uint16Array.of(0x3c00)],
]);

/** Pure. Only where sizes show that factor and summand have one number for each channel. */
export function fuseChannelAffine(model: Model): Model {
  const graph = new Graph(model);
  const added = new Map<string, Tensor>();
  const replaced = new Map<GraphNode, readonly GraphNode[]>();
  for (const add of model.nodes) {
    if (add.opType !== 'Add' || add.domain !== '') continue;
    const made = batchNorm(graph, add, added);
    if (made) replaced.set(add, made);
  }
  if (replaced.size === 0) return model;
  const nodes = model.nodes.flatMap((node) => replaced.get(node) ?? [node]);
  const asked = model.outputs.map((output) => output.name);
  return { ...model, nodes: living(nodes, asked), initializers: new Map([...model.initializers, ...added]) };
}

function batchNorm(graph: Graph, add: GraphNode, added: Map<string, Tensor>): readonly GraphNode[] | null {
  const [product, summand] = valueAndWeight(graph, add) ?? [];
  const mul = graph.producers.get(product ?? '');
  if (mul?.opType !== 'Mul' || graph.onlyReader(product!) !== add) return null;
  const [x, factor] = valueAndWeight(graph, mul) ?? [];
  if (!x || !isNormalised(graph, x)) return null;
  const rank = graph.shape(x)?.length ?? 0;
  const channels = graph.shape(x)?.[1];
  const isOnePerChannel = (weight: string) => {
    const dims = graph.weightDims(weight)!;
    const before = rank - dims.length;
    return (before === 0 || before === 1) && dims.every((size, axis) => size === (axis + before === 1 ? channels : 1));
  };
  const one = ONE.get(graph.elemType(x));
  if (rank < 3 || !channels || !one || ![factor!, summand!].every(isOnePerChannel)) return null;
  const filled = (name: string, raw: Uint8Array) => {
    added.set(name, { name, dims: [channels], dataType: graph.elemType(x), raw, range: null, encoded: null });
    return name;
  };
  const ones = new (one.constructor as typeof Float32Array)(channels).fill(one[0]!);
  const suffix = `${channels}.${graph.elemType(x)}`;
  const flat = int64s(`sizes.${channels}`, [channels]);
  added.set(flat.name, flat);
  const perChannel = (weight: string, name: string) =>
    makeNode({ name, opType: 'Reshape' }, [weight, flat.name], [name]);
  const [w, b] = [`${add.outputs[0]}.factors`, `${add.outputs[0]}.summands`];
  return [
    perChannel(factor!, w),
    perChannel(summand!, b),
    makeNode(
      { name: add.name, opType: 'BatchNormalization' },
      [
        x,
        w,
        b,
        filled(`zeros.${suffix}`, new Uint8Array(ones.byteLength)),
        filled(`ones.${suffix}`, new Uint8Array(ones.buffer)),
      ],
      add.outputs,
      { epsilon: { float: 0 } },
    ),
  ];
}

/** The operand that is no weight, and the one that is. */
function valueAndWeight(graph: Graph, { inputs: [a = '', b = ''] }: GraphNode): readonly [string, string] | null {
  const [isA, isB] = [a, b].map((value) => graph.weightDims(value) !== null);
  return isA === isB ? null : isA ? [b, a] : [a, b];
}

/** Elsewhere ONNX Runtime folds a factor into the weights of what comes before it, large ones too, on the CPU. */
function isNormalised(graph: Graph, x: string): boolean {
  const maker = graph.producers.get(x);
  const norm = maker?.opType === 'Reshape' ? graph.producers.get(maker.inputs[0] ?? '') : maker;
  return norm?.opType === 'InstanceNormalization';
}
