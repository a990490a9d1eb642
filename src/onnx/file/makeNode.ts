// Nodes and small constants that Pagoda adds to a graph, encoded as ONNX messages like those of the file.

import { FLOAT, INT64, type GraphNode, type Tensor, type ValueInfo } from './model';
import { BYTES, MessageWriter, VARINT, fields } from './protobuf';
import { decodeNode } from './read';

/** AttributeProto.AttributeType. */
const FLOAT_ATTRIBUTE = 1;
const INT_ATTRIBUTE = 2;
const STRING_ATTRIBUTE = 3;
const TENSOR_ATTRIBUTE = 4;
const GRAPH_ATTRIBUTE = 5;
const INTS_ATTRIBUTE = 7;

export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly tensor: MessageWriter }
  | { readonly graph: MessageWriter };

/** `domain` is '' for ONNX's own operators. */
export function makeNode(
  { name, opType, domain = '' }: { readonly name: string; readonly opType: string; readonly domain?: string },
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): GraphNode {
  const node = new MessageWriter();
  for (const input of inputs) node.string(1, input);
  for (const output of outputs) node.string(2, output);
  node.string(3, name).string(4, opType);
  for (const [key, value] of Object.entries(attributes)) node.message(5, encodeAttribute(key, value));
  if (domain !== '') node.string(7, domain);
  return decodeNode(node.finish());
}

/** The same node with other inputs, and outputs if given; everything else of its message stays as it was. */
export function withInputs(node: GraphNode, inputs: readonly string[], outputs = node.outputs): GraphNode {
  const message = new MessageWriter();
  for (const input of inputs) message.string(1, input);
  for (const output of outputs) message.string(2, output);
  for (const { number, wireType, value, bytes } of fields(node.encoded)) {
    if (number === 1 || number === 2) continue;
    if (wireType === VARINT) message.varint(number, value);
    else if (wireType === BYTES) message.bytes(number, bytes);
  }
  return { ...node, inputs, outputs, encoded: message.finish() };
}

/** The same node under other names; its attributes stay as they were. */
export function withNames(
  node: GraphNode,
  { name, inputs, outputs }: Pick<GraphNode, 'name' | 'inputs' | 'outputs'>,
): GraphNode {
  const message = new MessageWriter();
  for (const input of inputs) message.string(1, input);
  for (const output of outputs) message.string(2, output);
  message.string(3, name);
  for (const { number, wireType, value, bytes } of fields(node.encoded)) {
    if (number <= 3) continue;
    if (wireType === VARINT) message.varint(number, value);
    else if (wireType === BYTES) message.bytes(number, bytes);
  }
  return { ...node, name, inputs, outputs, encoded: message.finish() };
}

/** A node of another operator of ONNX's own that takes the attributes of `node`. */
export function withOpType(
  node: GraphNode,
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
): GraphNode {
  const message = new MessageWriter();
  for (const input of inputs) message.string(1, input);
  for (const output of outputs) message.string(2, output);
  message.string(3, node.name).string(4, opType);
  for (const { number, bytes } of fields(node.encoded)) if (number === 5) message.bytes(5, bytes);
  return decodeNode(message.finish());
}

/** A one-dimensional int64 constant. */
export function int64s(name: string, values: readonly number[]): Tensor {
  const raw = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, dims: [values.length], dataType: INT64, raw, range: null, encoded: null };
}

/** A TensorProto of one f32 number. */
export function float32Tensor(value: number): MessageWriter {
  return rawTensor(FLOAT, [1], new Uint8Array(Float32Array.of(value).buffer));
}

/** A TensorProto without a name, as attributes hold it. `raw` is little-endian. */
export function rawTensor(dataType: number, dims: readonly number[], raw: Uint8Array): MessageWriter {
  const tensor = new MessageWriter();
  for (const dim of dims) tensor.varint(1, dim);
  return tensor.varint(2, dataType).bytes(9, raw);
}

/** A GraphProto without weights, as Loop and If hold it. */
export function subgraph(
  name: string,
  nodes: readonly GraphNode[],
  inputs: readonly ValueInfo[],
  outputs: readonly ValueInfo[],
): MessageWriter {
  const graph = new MessageWriter();
  for (const node of nodes) graph.bytes(1, node.encoded);
  graph.string(2, name);
  for (const info of inputs) graph.message(11, encodeValueInfo(info));
  for (const info of outputs) graph.message(12, encodeValueInfo(info));
  return graph;
}

/** ValueInfoProto. */
export function encodeValueInfo({ name, elemType, dims }: ValueInfo): MessageWriter {
  const tensor = new MessageWriter().varint(1, elemType);
  if (dims) {
    const shape = new MessageWriter();
    for (const dim of dims) {
      const entry = new MessageWriter();
      if (typeof dim === 'number') entry.varint(1, dim);
      else if (dim !== '') entry.string(2, dim);
      shape.message(1, entry);
    }
    tensor.message(2, shape);
  }
  return new MessageWriter().string(1, name).message(2, new MessageWriter().message(1, tensor));
}

function encodeAttribute(name: string, value: AttributeValue): MessageWriter {
  const attribute = new MessageWriter().string(1, name);
  if ('int' in value) return attribute.varint(3, value.int).varint(20, INT_ATTRIBUTE);
  if ('ints' in value) {
    for (const int of value.ints) attribute.varint(8, int);
    return attribute.varint(20, INTS_ATTRIBUTE);
  }
  if ('float' in value) return attribute.float(2, value.float).varint(20, FLOAT_ATTRIBUTE);
  if ('string' in value) return attribute.string(4, value.string).varint(20, STRING_ATTRIBUTE);
  if ('graph' in value) return attribute.message(6, value.graph).varint(20, GRAPH_ATTRIBUTE);
  return attribute.message(5, value.tensor).varint(20, TENSOR_ATTRIBUTE);
}
