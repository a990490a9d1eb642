// Decodes the small messages of an ONNX graph: attributes (with what a subgraph captures from outside) and the
// declared types of inputs and outputs.

import type { Attribute, ValueInfo } from './model';
import { BYTES, FIXED32, VARINT, WireError, fields, pushInts, text } from './protobuf';
import { decodeTensor } from './readTensor';

/** Bodies of If and Loop inside one another; real models have one or two. */
const MAX_NESTING = 16;

export function readAttributes(
  encoded: readonly Uint8Array[],
  nesting = 0,
): {
  attributes: Map<string, Attribute>;
  captured: string[];
} {
  const attributes = new Map<string, Attribute>();
  const captured = new Set<string>();
  for (const bytes of encoded) {
    let name = '';
    let i = 0;
    let f = 0;
    let s = '';
    const ints: number[] = [];
    let tensor: Attribute['tensor'] = null;
    for (const field of fields(bytes)) {
      if (field.number === 1) name = text(field);
      else if (field.number === 2 && field.wireType === FIXED32) f = float32(field.bytes);
      else if (field.number === 3 && field.wireType === VARINT) i = Number(field.value);
      else if (field.number === 4) s = text(field);
      else if (field.number === 5) tensor = decodeTensor(field.bytes);
      else if (field.number === 8) pushInts(field, ints);
      else if (field.number === 6 || field.number === 11)
        for (const value of capturedBy(field.bytes, nesting + 1)) captured.add(value);
    }
    attributes.set(name, { name, i, f, s, ints, tensor });
  }
  return { attributes, captured: [...captured] };
}

/** Names that a GraphProto reads but does not define: what it captures from the graph around it. */
function capturedBy(graph: Uint8Array, nesting: number): Set<string> {
  if (nesting > MAX_NESTING) throw new WireError('Its subgraphs are nested too deep.');
  const read = new Set<string>();
  const defined = new Set<string>();
  for (const field of fields(graph)) {
    if (field.wireType !== BYTES) continue;
    if (field.number === 1) {
      for (const part of fields(field.bytes)) {
        if (part.number === 1) read.add(text(part));
        else if (part.number === 2) defined.add(text(part));
        else if (part.number === 5) for (const value of readAttributes([part.bytes], nesting).captured) read.add(value);
      }
    } else if (field.number === 5) defined.add(decodeTensor(field.bytes).name);
    else if (field.number === 11) defined.add(readValueInfo(field.bytes).name);
    else if (field.number === 12) read.add(readValueInfo(field.bytes).name);
  }
  for (const name of defined) read.delete(name);
  read.delete('');
  return read;
}

export function readValueInfo(bytes: Uint8Array): ValueInfo {
  let name = '';
  let elemType = 0;
  let dims: (number | string)[] | null = null;
  for (const field of fields(bytes)) {
    if (field.number === 1) name = text(field);
    if (field.number !== 2) continue;
    for (const type of fields(field.bytes)) {
      if (type.number !== 1) continue;
      for (const part of fields(type.bytes)) {
        if (part.number === 1) elemType = Number(part.value);
        else if (part.number === 2) dims = readDims(part.bytes);
      }
    }
  }
  return { name, elemType, dims };
}

function readDims(shape: Uint8Array): (number | string)[] {
  const dims: (number | string)[] = [];
  for (const field of fields(shape)) {
    if (field.number !== 1) continue;
    let dim: number | string = '';
    for (const part of fields(field.bytes)) {
      if (part.number === 1) dim = Number(part.value);
      else if (part.number === 2) dim = text(part);
    }
    dims.push(dim);
  }
  return dims;
}

function float32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
}
