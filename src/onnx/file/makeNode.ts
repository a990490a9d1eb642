// Nodes and small constants that Pagoda adds to a graph, encoded as ONNX messages like those of the file.

import { FLOAT, INT64, type GraphNode, type Tensor } from './model';
import { BYTES, MessageWriter, VARINT, fields } from './protobuf';
import { decodeNode } from './read';

/** AttributeProto.AttributeType. */
const FLOAT_ATTRIBUTE = 1;
const INT_ATTRIBUTE = 2;
const STRING_ATTRIBUTE = 3;
const TENSOR_ATTRIBUTE = 4;
const INTS_ATTRIBUTE = 7;

export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly tensor: MessageWriter };

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

/** The same node with other inputs; everything else of its message stays as it was. */
export function withInputs(node: GraphNode, inputs: readonly string[]): GraphNode {
  const message = new MessageWriter();
  for (const input of inputs) message.string(1, input);
  for (const { number, wireType, value, bytes } of fields(node.encoded)) {
    if (number === 1) continue;
    if (wireType === VARINT) message.varint(number, value);
    else if (wireType === BYTES) message.bytes(number, bytes);
  }
  return { ...node, inputs, encoded: message.finish() };
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
  return new MessageWriter()
    .varint(1, 1)
    .varint(2, FLOAT)
    .bytes(9, new Uint8Array(Float32Array.of(value).buffer));
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
  return attribute.message(5, value.tensor).varint(20, TENSOR_ATTRIBUTE);
}
