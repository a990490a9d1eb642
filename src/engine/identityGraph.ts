// The smallest graph: out = in, of any shape.

import { makeNode } from '../onnx/file/makeNode';
import { MessageWriter } from '../onnx/file/protobuf';
import { writeSegment } from '../onnx/segments/write';

/** @param elemType TensorProto.DataType. */
export function identityGraph(elemType: number): Uint8Array {
  const node = makeNode({ name: 'identity', opType: 'Identity' }, ['in'], ['out']);
  const value = (name: string) => ({ name, elemType, dims: null });
  const model = {
    irVersion: 8,
    opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
    functions: [],
    nodes: [node],
    initializers: new Map(),
    inputs: [value('in')],
    outputs: [value('out')],
    valueInfo: new Map(),
  };
  return writeSegment(model, { nodes: [node], inputs: ['in'], outputs: ['out'], sites: [] }).bytes;
}
