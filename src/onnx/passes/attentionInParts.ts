// Attention that one operator computes, with its queries in parts, for ONNX Runtime's WASM: it keeps the logits of
// all heads and rows at once (2.7 GB in SD 1.5 at 512² with PAG), and counts in 32 bits both those and the operations
// of one head, 2·dim·S·T, which a head of 64 over 4096 tokens takes to 2³¹ ("Integer overflow"). Each query's row of
// the softmax is complete, so a part gives what the whole would.
//
//   for start in 0, m, 2m … S:  out ← Concat(out, attention(Q[start … start + m], K, V))
//   m = 16 · (2²⁵ / (T · (C + 16·B·N)) + 1)       Q [B, S, C] or [B, N, S, dim] (where C is dim), K and V of T keys
//
// m·T·(C + 16·B·N) stays below 2³⁰ (but for more than 2²⁵ / (C + 16·B·N) keys, of which it takes the least), hence
// 2·dim·m·T below 2³¹, and the m·T·B·N logits below 256 MiB. A single query would be multiplied by another routine,
// which rounds otherwise: by sixteens none is left over, and a row comes out the same whatever rows are beside it.
// The loop is one of ONNX's, since tokens are known only in a run; few tokens are one part. (ComputeAttentionProbs
// and ComputeVxAttentionScore of ONNX Runtime's attention_cpu_base.h.)

import type { Graph } from '../graph/graph';
import { makeNode, rawTensor, subgraph, withInputs, type AttributeValue } from '../file/makeNode';
import { BOOL, INT64, type GraphNode } from '../file/model';
import { refusedFused } from '../sites/matchAttention';

const LIMIT = 2 ** 29;
const GRANULE = 16;
const LOGIT = 16;
/** So few keys overflow nothing below 2³⁰ / (128·dim) queries, a picture of 2,900². */
const FEW_KEYS = 128;

/** Pure. `nodes` of the graph, without its sites: what takes the place of an attention is not told as one. */
export function attentionInParts(graph: Graph, nodes: readonly GraphNode[]): GraphNode[] {
  return nodes.flatMap((node) => {
    const weights = weightsOfQuery(graph, node);
    return weights === null || fits(graph, node, weights) ? [node] : inParts(graph, node, weights);
  });
}

/** C + 16·B·N as factors of Q's dimensions, [16·N, 0, 1]; null for what is no attention, or has a mask or cache. */
function weightsOfQuery(graph: Graph, node: GraphNode): number[] | null {
  const { opType, domain, inputs, attributes } = node;
  const standard = opType === 'Attention' && domain === '';
  if ((!standard && opType !== 'MultiHeadAttention') || refusedFused(node) !== null) return null;
  if (inputs.slice(0, 3).filter((input) => input !== '').length < 3) return null;
  const heads = attributes.get(standard ? 'q_num_heads' : 'num_heads')?.i ?? 0;
  if (heads > 0) return [LOGIT * heads, 0, 1];
  const headAxis = graph.shape(inputs[0] ?? '')?.[1] ?? null;
  return headAxis === null ? null : [LOGIT * headAxis, 0, 0, 1];
}

function fits(graph: Graph, { inputs: [q = '', k = ''] }: GraphNode, weights: readonly number[]): boolean {
  const keys = graph.shape(k)?.at(-2) ?? Infinity;
  const dims = graph.shape(q) ?? [];
  const weight = weights.reduce((sum, factor, axis) => sum + (factor && factor * (dims[axis] ?? Infinity)), 0);
  return keys <= FEW_KEYS || (dims.at(-2) ?? Infinity) * keys * weight <= LIMIT;
}

function inParts(graph: Graph, node: GraphNode, weights: readonly number[]): GraphNode[] {
  const queryAxis = weights.length - 2;
  const [q = '', k = ''] = node.inputs;
  const [output = ''] = node.outputs;
  const named = (what: string) => `${output}.parts.${what}`;
  const nodes: GraphNode[] = [];
  const make = (
    opType: string,
    inputs: readonly string[],
    what: string,
    attributes: Readonly<Record<string, AttributeValue>> = {},
    to = nodes,
  ) => {
    to.push(makeNode({ name: named(what), opType }, inputs, [named(what)], attributes));
    return named(what);
  };
  const whole = (what: string, values: readonly number[], dims = [values.length]) =>
    make('Constant', [], what, {
      value: { tensor: rawTensor(INT64, dims, new Uint8Array(BigInt64Array.from(values, BigInt).buffer)) },
    });
  const [zero, one, axis] = [whole('zero', [0]), whole('one', [1]), whole('axis', [queryAxis])];

  const shape = make('Shape', [q], 'shape');
  const weight = make('MatMul', [shape, whole('weights', weights, [weights.length, 1])], 'weight');
  const keys = make('Gather', [make('Shape', [k], 'keysShape'), whole('keysAxis', [-2])], 'keys');
  const quotient = make(
    'Div',
    [whole('limit', [LIMIT / GRANULE]), make('Mul', [keys, weight], 'perQuery')],
    'quotient',
  );
  const size = make('Mul', [make('Add', [quotient, one], 'granules'), whole('granule', [GRANULE])], 'size');
  const tokens = make('Gather', [shape, axis], 'tokens');
  const none = make('Slice', [q, zero, zero, axis], 'none');
  const always = make('Constant', [], 'always', { value: { tensor: rawTensor(BOOL, [], Uint8Array.of(1)) } });

  const [start, done, mixed] = [named('start'), named('done'), named('mixed')];
  const body: GraphNode[] = [];
  const end = make('Add', [start, size], 'end', {}, body);
  const queries = make('Slice', [q, start, end, axis], 'queries', {}, body);
  body.push(withInputs(node, [queries, ...node.inputs.slice(1)], [mixed]));
  const joined = make('Concat', [done, mixed], 'joined', { axis: { int: queryAxis } }, body);
  const more = make('Less', [end, tokens], 'more', {}, body);
  const info = (name: string, elemType: number, dims: readonly number[] | null) => ({ name, elemType, dims });
  const numbers = (name: string) => info(name, graph.elemType(q), null);
  const part = subgraph(
    named('part'),
    body,
    [info(named('index'), INT64, []), info(named('before'), BOOL, []), info(start, INT64, [1]), numbers(done)],
    [info(more, BOOL, [1]), info(end, INT64, [1]), numbers(joined)],
  );
  const outputs = [named('last'), named('all')];
  nodes.push(
    makeNode({ name: node.name, opType: 'Loop' }, ['', always, zero, none], outputs, { body: { graph: part } }),
  );
  // ONNX Runtime knows nothing of the shape behind a loop, and optimizes by shapes.
  const asWas = whole('asWas', [...weights.slice(1).map(() => 0), graph.shape(output)?.at(-1) ?? -1]);
  nodes.push(makeNode({ name: named('reshaped'), opType: 'Reshape' }, [named('all'), asWas], [output]));
  return nodes;
}
