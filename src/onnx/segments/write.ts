// Writes a segment as an ONNX model of its own. Weights stay where they are: the graph names byte ranges of one
// external file, and `parts` says which ranges of the original files make up that file, in order. A Blob of
// Blob slices is such a file without a copy; where f16 numbers are to be f32, a WeightsBlob is (engine/weightsBlob).

import { segmentWeights, type Place, type Segment } from './cut';
import { factsOf } from '../graph/factsOf';
import { usedLength, type ByteRange, type Model, type ValueInfo } from '../file/model';
import { encodeValueInfo } from '../file/makeNode';
import { MessageWriter } from '../file/protobuf';
import { encodeTensor } from '../file/readTensor';

/** The name by which a written graph calls its external data. */
export const WEIGHTS_FILE = 'weights';

export interface WrittenModel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly parts: readonly ByteRange[];
}

export function writeSegment(model: Model, segment: Segment<Place>): WrittenModel {
  const { types } = factsOf(model);
  const declared = new Map([...model.inputs, ...model.outputs].map((info) => [info.name, info]));
  const info = (name: string): ValueInfo => declared.get(name) ?? { name, elemType: types.get(name) ?? 0, dims: null };

  const graph = new MessageWriter();
  for (const node of segment.nodes) graph.bytes(1, node.encoded);
  graph.string(2, 'segment');
  const parts: ByteRange[] = [];
  let offset = 0;
  for (const name of segmentWeights(model, segment)) {
    const tensor = model.initializers.get(name);
    if (!tensor) continue;
    let placed: ByteRange | null = null;
    if (tensor.range) {
      const length = usedLength(tensor.range);
      placed = { location: WEIGHTS_FILE, offset, length };
      parts.push(tensor.range);
      offset += length;
    }
    const encoded = encodeTensor(tensor, placed);
    if (encoded instanceof MessageWriter) graph.message(5, encoded);
    else graph.bytes(5, encoded);
  }
  for (const name of segment.inputs) graph.message(11, encodeValueInfo(info(name)));
  for (const name of segment.outputs) graph.message(12, encodeValueInfo(info(name)));

  const proto = new MessageWriter().varint(1, model.irVersion).message(7, graph);
  for (const opset of model.opsets) proto.bytes(8, opset);
  for (const func of model.functions) proto.bytes(25, func);
  return { bytes: proto.finish(), parts };
}
