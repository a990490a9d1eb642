// A model file with the same weights in the fields of their type instead of raw_data, as some converters write them:
// f32 numbers in float_data (packed, the same bytes), f16 ones in int32_data (a varint each, other bytes).

import { FLOAT, FLOAT16 } from '../file/model';
import { BYTES, FIXED32, MessageWriter, VARINT, fields, type WireField } from '../file/protobuf';

/** ModelProto.graph is 7, GraphProto.initializer 5. */
export async function withTypedWeights(file: Blob): Promise<Blob> {
  const model = new Uint8Array(await file.arrayBuffer());
  return new Blob([rewritten(model, 7, (graph) => rewritten(graph, 5, typed))]);
}

/** The message with each field of that number changed. */
function rewritten(
  message: Uint8Array,
  number: number,
  change: (payload: Uint8Array) => Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const writer = new MessageWriter();
  for (const field of fields(message)) {
    if (field.number === number && field.wireType === BYTES) writer.bytes(number, change(field.bytes));
    else copy(field, writer);
  }
  return writer.finish();
}

function typed(tensor: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new MessageWriter();
  const dataType = Number([...fields(tensor)].find((field) => field.number === 2)?.value ?? 0);
  for (const field of fields(tensor)) {
    if (field.number !== 9 || (dataType !== FLOAT && dataType !== FLOAT16)) copy(field, writer);
    else if (dataType === FLOAT) writer.bytes(4, field.bytes);
    else writer.bytes(5, varints(field.bytes));
  }
  return writer.finish();
}

/** Little-endian 16-bit numbers, a varint each. */
function varints(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; at += 2) {
    let rest = bytes[at]! | (bytes[at + 1]! << 8);
    for (; rest > 127; rest >>= 7) out.push((rest & 127) | 128);
    out.push(rest);
  }
  return Uint8Array.from(out);
}

function copy({ number, wireType, value, bytes }: WireField, writer: MessageWriter): void {
  if (wireType === VARINT) writer.varint(number, value);
  else if (wireType === BYTES) writer.bytes(number, bytes);
  else if (wireType === FIXED32) writer.float(number, new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true));
  else throw new Error('No 64-bit field occurs in these files.');
}
