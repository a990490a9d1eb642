// Reads a TensorProto, from bytes or in place in the file. Weights above INLINE_LIMIT are left where they are:
// raw_data, and packed float_data (the same little-endian bytes), become a ByteRange of the file.

import type { BlobReader } from './blobReader';
import { FLOAT, elementBits, type ByteRange, type Tensor } from './model';
import { BYTES, FIXED32, FIXED64, MessageWriter, VARINT, WireError, fields, pushInts, text } from './protobuf';

/** Tensors up to this many bytes travel inside the graph, so that shape inference can read them. */
export const INLINE_LIMIT = 1024;
/** Typed fields (int32_data, …) cannot be named as a byte range; above this size we refuse them. */
const TYPED_LIMIT = 64 * 1024 * 1024;

/** Decodes a TensorProto that is in memory, as an attribute's is. */
export function decodeTensor(bytes: Uint8Array): Tensor {
  let raw: Uint8Array | null = null;
  const head = { name: '', dims: [] as number[], dataType: 0 };
  for (const field of fields(bytes)) {
    if (field.number === 1) pushInts(field, head.dims);
    else if (field.number === 2) head.dataType = Number(field.value);
    else if (field.number === 8) head.name = text(field);
    else if (field.number === 9) raw = field.bytes;
  }
  return { ...head, raw, range: null, encoded: raw ? null : bytes };
}

/** Scans the TensorProto from the reader's position to `end`, without reading a large weight's bytes. */
export async function scanTensor(reader: BlobReader, end: number): Promise<Tensor> {
  const start = reader.at;
  if (end - start <= INLINE_LIMIT) {
    const tensor = decodeTensor((await reader.read(end - start)).slice());
    return tensor.encoded ? withExternalRange(tensor) : tensor;
  }
  const head = { name: '', dims: [] as number[], dataType: 0 };
  let payload: ByteRange | null = null;
  let typed = false;
  const external: Uint8Array[] = [];
  while (reader.at < end) {
    const key = await reader.varint();
    const number = Math.floor(key / 8);
    const wireType = key % 8;
    if (number === 0) throw new WireError('A field has the number 0.');
    if (wireType === VARINT) {
      const value = Number(await reader.varint64());
      if (number === 1) head.dims.push(value);
      else if (number === 2) head.dataType = value;
      else if (number >= 4 && number <= 11) typed = true;
    } else if (wireType === FIXED32 || wireType === FIXED64) {
      reader.skip(wireType === FIXED32 ? 4 : 8);
      typed = true;
    } else if (wireType === BYTES) {
      const length = await reader.varint();
      if (length > end - reader.at) throw new WireError('A weight is longer than the message that holds it.');
      if (number === 9 || (number === 4 && head.dataType === FLOAT)) {
        payload = { location: null, offset: reader.at, length };
        reader.skip(length);
      } else if (number === 1 || number === 8 || number === 13) {
        const bytes = (await reader.read(length)).slice();
        if (number === 8) head.name = new TextDecoder().decode(bytes);
        else if (number === 1) pushInts({ number, wireType, value: 0n, bytes, start: 0 }, head.dims);
        else external.push(bytes);
      } else {
        typed ||= number >= 4 && number <= 11;
        reader.skip(length);
      }
    } else throw new WireError(`Wire type ${wireType} is not used in ONNX.`);
  }
  if (reader.at !== end) throw new WireError('A weight ends inside a field.');
  if (external.length > 0) return { ...head, raw: null, range: externalRange(external, head), encoded: null };
  if (payload) return { ...head, raw: null, range: payload, encoded: null };
  if (!typed || end - start > TYPED_LIMIT)
    throw new WireError(`The weight ${head.name} holds no data that can be used in place.`);
  reader.at = start;
  return { ...head, raw: null, range: null, encoded: (await reader.read(end - start)).slice() };
}

function withExternalRange(tensor: Tensor): Tensor {
  const external: Uint8Array[] = [];
  for (const field of fields(tensor.encoded as Uint8Array)) if (field.number === 13) external.push(field.bytes);
  return external.length === 0 ? tensor : { ...tensor, range: externalRange(external, tensor), encoded: null };
}

/**
 * `location`, `offset` and `length` of StringStringEntryProto messages.
 * Without a length the weight takes what its type and sizes say.
 */
function externalRange(
  entries: readonly Uint8Array[],
  { dims, dataType }: Pick<Tensor, 'dims' | 'dataType'>,
): ByteRange {
  const values = new Map<string, string>();
  for (const entry of entries) {
    let key = '';
    let value = '';
    for (const field of fields(entry)) {
      if (field.number === 1) key = text(field);
      else if (field.number === 2) value = text(field);
    }
    values.set(key, value);
  }
  const offset = Number(values.get('offset') ?? 0);
  const length = Number(values.get('length') ?? storedLength(dims, dataType));
  const location = values.get('location');
  if (!location || !Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new WireError('External data without a usable location, offset and length.');
  }
  return { location, offset, length };
}

/** NaN for a type of no known size. */
function storedLength(dims: readonly number[], dataType: number): number {
  return Math.ceil((dims.reduce((product, dim) => product * dim, 1) * (elementBits(dataType) ?? NaN)) / 8);
}

/** Encodes a tensor; a ByteRange becomes external data at `placed`. */
export function encodeTensor(tensor: Tensor, placed: ByteRange | null): MessageWriter | Uint8Array {
  if (tensor.encoded) return tensor.encoded;
  const message = new MessageWriter();
  for (const dim of tensor.dims) message.varint(1, dim);
  message.varint(2, tensor.dataType).string(8, tensor.name);
  if (tensor.raw) return message.bytes(9, tensor.raw);
  if (!placed) throw new Error(`No place was given for ${tensor.name}.`);
  const entries = { location: placed.location ?? '', offset: String(placed.offset), length: String(placed.length) };
  for (const [key, value] of Object.entries(entries))
    message.message(13, new MessageWriter().string(1, key).string(2, value));
  return message.varint(14, 1);
}
