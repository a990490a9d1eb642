// Attention made of separate operators as one MultiHeadAttention of com.microsoft, which ONNX Runtime's WebGPU
// provider computes tile by tile: separate operators keep a [rows, heads, tokens, tokens] tensor of logits, 320 MB
// a row for an SD 1.5 picture of 512². The value that the merged heads had is made by the new node, so that whoever
// reads it, or knows it as a site's output, is left alone; what only served the old operators goes.
// Heads too wide for that (the one head of a VAE, 512) get their queries in parts: ./queryParts.

import { matchAttention, type Attention } from '../sites/matchAttention';
import { Graph } from '../graph/graph';
import { living } from '../graph/living';
import { backScaled } from '../sites/headLayout';
import { makeNode } from '../file/makeNode';
import { FLOAT, FLOAT16, type Model, type GraphNode, type Tensor } from '../file/model';
import { MICROSOFT, withMicrosoft } from '../file/opsets';
import { queryParts, type ScaledAttention } from './queryParts';

/** Beyond it ONNX Runtime divides the keys among passes and keeps every pass's result: at 512, the head dim of VAEs,
 *  these take more room than the logits would. UNets have 160 at most. */
const MAX_HEAD_DIM = 160;
/** Our own kernel's limit: below it an attention may be a site, and stays one piece. */
const MAX_SITE_DIM = 256;
/** Its tile by tile kernel reads vectors of four. */
const VECTOR = 4;

/** Pure. Attention that is fused already, or that cannot be, stays as it is. */
export function fuseAttention(model: Model): Model {
  const graph = new Graph(model);
  const replaced = new Map<GraphNode, readonly GraphNode[]>();
  const added = new Map<string, Tensor>();
  for (const node of model.nodes) {
    if (node.domain === MICROSOFT) continue;
    const match = matchAttention(graph, node);
    const last = match && typeof match !== 'string' ? graph.producers.get(match.output) : undefined;
    if (!match || typeof match === 'string' || !last) continue;
    const dim = headDim(graph, match);
    const make = dim === null ? null : makerFor(dim, match.heads, added);
    if (!make) continue;
    const logits = node.opType === 'Softmax' ? backScaled(graph, node.inputs[0] ?? '').value : (node.inputs[0] ?? '');
    const type = graph.elemType(match.q);
    const widened = type === FLOAT16 && graph.elemType(logits) === FLOAT;
    const sized = { ...match, type, scale: match.scale ?? 1 / Math.sqrt(dim as number) };
    replaced.set(last, widened ? inFloat32(sized, (wide) => make(node.name, wide)) : make(node.name, sized));
  }
  if (replaced.size === 0) return model;
  const nodes = model.nodes.flatMap((node) => replaced.get(node) ?? [node]);
  const initializers = new Map([...model.initializers, ...added]);
  const asked = model.outputs.map((output) => output.name);
  return { ...model, nodes: living(nodes, asked), initializers, opsets: withMicrosoft(model.opsets) };
}

/** null where Q, K and V are not known to have the same. */
function headDim(graph: Graph, { q, k, v, heads }: Attention): number | null {
  const [channels, ...others] = [q, k, v].map((value) => graph.shape(value)?.at(-1) ?? null);
  return channels && others.every((other) => other === channels) && channels % heads === 0 ? channels / heads : null;
}

/** null for what is left as it is. */
function makerFor(
  dim: number,
  heads: number,
  added: Map<string, Tensor>,
): ((name: string, attention: ScaledAttention) => GraphNode[]) | null {
  if (dim <= MAX_HEAD_DIM) return dim % VECTOR === 0 ? fused : null;
  return heads === 1 && dim > MAX_SITE_DIM ? queryParts(added) : null;
}

function fused(name: string, { q, k, v, heads, scale, output }: ScaledAttention): GraphNode[] {
  return [
    makeNode({ name, opType: 'MultiHeadAttention', domain: MICROSOFT }, [q, k, v], [output], {
      num_heads: { int: heads },
      scale: { float: scale },
    }),
  ];
}

/** An f16 graph that computes the logits in f32 (they would overflow) goes on doing so. */
function inFloat32(match: ScaledAttention, make: (wide: ScaledAttention) => GraphNode[]): GraphNode[] {
  const { output } = match;
  const cast = (from: string, to: string, type: number) =>
    makeNode({ name: to, opType: 'Cast' }, [from], [to], { to: { int: type } });
  const wide = {
    ...match,
    type: FLOAT,
    q: `${output}.q.f32`,
    k: `${output}.k.f32`,
    v: `${output}.v.f32`,
    output: `${output}.f32`,
  };
  const casts = (['q', 'k', 'v'] as const).map((part) => cast(match[part], wide[part], FLOAT));
  return [...casts, ...make(wide), cast(wide.output, output, FLOAT16)];
}
