// Fused attention whose Q, K and V lie in one tensor, as one whose Q, K and V are tensors of their own: a site needs
// each by itself, and ONNX Runtime's WebGPU provider takes no packed QKV.
//
//   com.microsoft.Attention           x [B, N, C], weights [C, 3C], bias [3C]
//   com.microsoft.MultiHeadAttention  QKV [B, N, heads, 3, dim] · KV [B, M, heads, 2, dim] · bias [3C]
//
// become MultiHeadAttention of Q [B, N, C], K and V [B, M, C]. With a mask or a cache they stay as they are.
// (Operators: ContribOperators.md of ONNX Runtime.)

import { int64s, makeNode } from '../file/makeNode';
import type { Model, GraphNode, Tensor } from '../file/model';

const MICROSOFT = 'com.microsoft';
/** Inputs behind the bias: masks and caches. */
const AFTER_BIAS = 4;

/** Pure. What holds no packed attention comes back as it is. */
export function unpackAttention(model: Model): Model {
  const added = new Map<string, Tensor>();
  const nodes = model.nodes.flatMap((node) => {
    if (node.domain !== MICROSOFT) return [node];
    if (node.opType === 'Attention') return unpackProjection(node, model, added);
    return node.opType === 'MultiHeadAttention' ? unpackHeads(node, model, added) : [node];
  });
  return added.size === 0 ? model : { ...model, nodes, initializers: new Map([...model.initializers, ...added]) };
}

function unpackProjection(node: GraphNode, { initializers }: Model, added: Map<string, Tensor>): GraphNode[] {
  const [x = '', weights = '', bias = '', ...others] = node.inputs;
  const width = initializers.get(weights)?.dims[1];
  const flags = ['unidirectional', 'do_rotary', 'past_present_share_buffer'];
  const plain =
    others.every((name) => name === '') &&
    node.outputs.slice(1).every((name) => name === '') &&
    flags.every((flag) => !node.attributes.get(flag)?.i);
  const sizes = node.attributes.get('qkv_hidden_sizes')?.ints ?? [];
  if (!plain || !width || width % 3 !== 0 || sizes.some((size) => size !== width / 3)) return [node];
  const part = names(node);
  const projected = part('qkv');
  const nodes = [
    makeNode({ name: projected, opType: 'MatMul' }, [x, weights], [bias === '' ? projected : part('products')]),
  ];
  if (bias !== '') nodes.push(makeNode({ name: part('bias'), opType: 'Add' }, [part('products'), bias], [projected]));
  const separate = ['q', 'k', 'v'].map((name, index) => {
    nodes.push(
      slice(projected, part(name), { axis: 2, start: (index * width) / 3, end: ((index + 1) * width) / 3 }, added),
    );
    return part(name);
  });
  return [...nodes, separated(node, separate)];
}

function unpackHeads(node: GraphNode, { initializers }: Model, added: Map<string, Tensor>): GraphNode[] {
  const [first = '', second = '', third = '', bias = ''] = node.inputs;
  const width = initializers.get(bias)?.dims[0];
  const packed = third === '';
  if (
    (!packed && bias === '') ||
    node.inputs.slice(AFTER_BIAS).some((name) => name !== '') ||
    (bias !== '' && (!width || width % 3 !== 0))
  )
    return [node];
  const part = names(node);
  const nodes: GraphNode[] = [];
  const take = (from: string, index: number, name: string) => {
    const [at, flat] = [`${part(name)}.index`, `${part(name)}.shape`];
    added.set(at, { ...int64s(at, [index]), dims: [] }).set(flat, int64s(flat, [0, 0, -1]));
    nodes.push(
      makeNode({ name: `${part(name)}.heads`, opType: 'Gather' }, [from, at], [`${part(name)}.heads`], {
        axis: { int: 3 },
      }),
    );
    nodes.push(makeNode({ name: part(name), opType: 'Reshape' }, [`${part(name)}.heads`, flat], [part(name)]));
    return part(name);
  };
  let separate = [first, second, third];
  if (packed)
    separate =
      second === ''
        ? ['q', 'k', 'v'].map((name, index) => take(first, index, name))
        : [first, take(second, 0, 'k'), take(second, 1, 'v')];
  if (width) {
    separate = separate.map((value, index) => {
      const [own, sum] = [part(`bias${index}`), part(`sum${index}`)];
      nodes.push(slice(bias, own, { axis: 0, start: (index * width) / 3, end: ((index + 1) * width) / 3 }, added));
      nodes.push(makeNode({ name: sum, opType: 'Add' }, [value, own], [sum]));
      return sum;
    });
  }
  return [...nodes, separated(node, separate)];
}

/** Names for the values that a node is taken apart into. */
function names(node: GraphNode): (part: string) => string {
  return (part) => `${node.outputs[0] ?? ''}.${part}`;
}

function slice(
  from: string,
  to: string,
  { axis, start, end }: { readonly axis: number; readonly start: number; readonly end: number },
  added: Map<string, Tensor>,
): GraphNode {
  const bounds = Object.entries({ start, end, axis }).map(([key, value]) => {
    added.set(`${to}.${key}`, int64s(`${to}.${key}`, [value]));
    return `${to}.${key}`;
  });
  return makeNode({ name: to, opType: 'Slice' }, [from, ...bounds], [to]);
}

function separated(node: GraphNode, qkv: readonly string[]): GraphNode {
  const scale = node.attributes.get('scale')?.f;
  return makeNode(
    { name: node.name, opType: 'MultiHeadAttention', domain: MICROSOFT },
    qkv,
    node.outputs.filter((name) => name !== ''),
    {
      num_heads: { int: node.attributes.get('num_heads')?.i ?? 0 },
      ...(scale ? { scale: { float: scale } } : {}),
      ...(node.attributes.get('unidirectional')?.i ? { unidirectional: { int: 1 } } : {}),
    },
  );
}
