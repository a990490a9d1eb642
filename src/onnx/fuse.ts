// Attention made of separate operators as one MultiHeadAttention of com.microsoft, which ONNX Runtime's WebGPU
// provider computes tile by tile: separate operators keep a [rows, heads, tokens, tokens] tensor of logits, 320 MB
// a row for an SD 1.5 picture of 512². The value that the merged heads had is made by the new node, so that whoever
// reads it, or knows it as a site's output, is left alone; what only served the old operators goes.

import { matchAttention, type Attention } from './attention';
import { elemTypes } from './elemTypes';
import { Graph } from './graph';
import { backScaled } from './headLayout';
import { makeNode } from './makeNode';
import { FLOAT, FLOAT16, type Model, type Node } from './model';
import { readsOf } from './order';
import { MessageWriter, fields, text } from './protobuf';

const MICROSOFT = 'com.microsoft';
/** Beyond it ONNX Runtime divides the keys among passes and keeps every pass's result: at 512, the head dim of VAEs,
 *  these take more room than the logits would. UNets have 160 at most. */
const MAX_HEAD_DIM = 160;
/** Its tile by tile kernel reads vectors of four. */
const VECTOR = 4;

/** Pure. Attention that is fused already, or that cannot be, stays as it is. */
export function fuseAttention(model: Model): Model {
  const graph = new Graph(model);
  const types = elemTypes(model);
  const replaced = new Map<Node, readonly Node[]>();
  for (const node of model.nodes) {
    if (node.domain === MICROSOFT) continue;
    const match = matchAttention(graph, node);
    const last = match && typeof match !== 'string' ? graph.producers.get(match.output) : undefined;
    if (!match || typeof match === 'string' || !last || !fits(graph, match)) continue;
    const logits = node.opType === 'Softmax' ? backScaled(graph, node.inputs[0] ?? '').value : (node.inputs[0] ?? '');
    const widened = types.get(match.q) === FLOAT16 && types.get(logits) === FLOAT;
    replaced.set(last, fused(node.name, match, widened));
  }
  if (replaced.size === 0) return model;
  const nodes = model.nodes.flatMap((node) => replaced.get(node) ?? [node]);
  return { ...model, nodes: living(nodes, model), opsets: withMicrosoft(model.opsets) };
}

function fits(graph: Graph, { q, k, v, heads }: Attention): boolean {
  return [q, k, v].every((value) => {
    const dim = (graph.shape(value)?.at(-1) ?? 0) / heads;
    return Number.isInteger(dim / VECTOR) && dim > 0 && dim <= MAX_HEAD_DIM;
  });
}

/** Where an f16 graph computes the logits in f32 (they would overflow), so does the one node. */
function fused(name: string, { q, k, v, heads, scale, output }: Attention, widened: boolean): Node[] {
  const settings = { num_heads: { int: heads }, ...(scale === null ? {} : { scale: { float: scale } }) };
  const make = (inputs: readonly string[], result: string) => makeNode({ name, opType: 'MultiHeadAttention', domain: MICROSOFT }, inputs, [result], settings);
  if (!widened) return [make([q, k, v], output)];
  const cast = (from: string, to: string, type: number) => makeNode({ name: to, opType: 'Cast' }, [from], [to], { to: { int: type } });
  const wide = ['q', 'k', 'v'].map((part) => `${output}.${part}.f32`);
  return [...[q, k, v].map((value, index) => cast(value, wide[index] as string, FLOAT)), make(wide, `${output}.f32`), cast(`${output}.f32`, output, FLOAT16)];
}

/** The nodes on which an output of the graph depends. */
function living(nodes: readonly Node[], { outputs }: Model): Node[] {
  const read = new Set(outputs.map((output) => output.name));
  const kept = [...nodes].reverse().filter((node) => {
    if (!node.outputs.some((output) => read.has(output))) return false;
    for (const value of readsOf(node)) read.add(value);
    return true;
  });
  return kept.reverse();
}

/** OperatorSetIdProto: domain (1), version (2). */
function withMicrosoft(opsets: Model['opsets']): Model['opsets'] {
  const known = opsets.some((opset) => [...fields(opset)].some((field) => field.number === 1 && text(field) === MICROSOFT));
  return known ? opsets : [...opsets, new MessageWriter().string(1, MICROSOFT).varint(2, 1).finish()];
}
