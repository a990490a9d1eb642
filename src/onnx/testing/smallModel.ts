// Graphs of a few nodes, written as lists, for tests of passes over a graph.

import { FLOAT, INT64, type Attribute, type Model, type GraphNode, type Tensor } from '../file/model';
import { MessageWriter } from '../file/protobuf';
import { decodeNode } from '../file/read';

type Value = number | string | readonly number[];

/** A node of ONNX's own domain, or of `domain`; attributes are integers, texts or lists of integers. */
export function op(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Value>> = {},
  domain = '',
): GraphNode {
  const node = new MessageWriter();
  for (const input of inputs) node.string(1, input);
  for (const output of outputs) node.string(2, output);
  node
    .string(3, `${opType} of ${inputs.join(', ')}`)
    .string(4, opType)
    .string(7, domain);
  for (const [name, value] of Object.entries(attributes)) {
    const attribute = new MessageWriter().string(1, name);
    if (typeof value === 'number') attribute.varint(3, value).varint(20, 2);
    else if (typeof value === 'string') attribute.string(4, value).varint(20, 3);
    else {
      for (const one of value) attribute.varint(8, one);
      attribute.varint(20, 7);
    }
    node.message(5, attribute);
  }
  return decodeNode(node.finish());
}

export function floats(dims: readonly number[], values: readonly number[]): Omit<Tensor, 'name'> {
  return { dims, dataType: FLOAT, raw: new Uint8Array(Float32Array.from(values).buffer), range: null, encoded: null };
}

export function ints(values: readonly number[], dims: readonly number[] = [values.length]): Omit<Tensor, 'name'> {
  return {
    dims,
    dataType: INT64,
    raw: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
    range: null,
    encoded: null,
  };
}

export function smallModel(
  inputs: Readonly<Record<string, readonly (number | string)[] | null>>,
  nodes: readonly GraphNode[],
  weights: Readonly<Record<string, Omit<Tensor, 'name'>>> = {},
  outputs: readonly string[] = ['out'],
): Model {
  return {
    irVersion: 8,
    opsets: [],
    functions: [],
    nodes,
    valueInfo: new Map(),
    initializers: new Map(Object.entries(weights).map(([name, tensor]) => [name, { ...tensor, name }])),
    inputs: Object.entries(inputs).map(([name, dims]) => ({ name, elemType: FLOAT, dims })),
    outputs: outputs.map((name) => ({ name, elemType: FLOAT, dims: null })),
  };
}

/** A node with a subgraph that reads values of the graph around it. */
export function capturing(node: GraphNode, captured: readonly string[]): GraphNode {
  return { ...node, captured, attributes: new Map<string, Attribute>() };
}
