// Protocol Buffers wire format, the part that ONNX uses: varints, 32- and 64-bit values and length-delimited
// fields (protobuf.dev/programming-guides/encoding). Reading never trusts a length: whatever points past the
// end of the bytes is a WireError, so a hostile file cannot make us read or allocate more than it holds.

export class WireError extends Error {}

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** One field of a message. `bytes` is set for BYTES, FIXED32 and FIXED64; `value` for VARINT. */
export interface WireField {
  readonly number: number;
  readonly wireType: number;
  /** A varint as int64, as ONNX uses it for dims and attributes. */
  readonly value: bigint;
  readonly bytes: Uint8Array;
  /** Where the payload starts in the bytes given to `fields`. */
  readonly start: number;
}

const EMPTY = new Uint8Array(0);

/** Reads a varint at `at`; returns its value as unsigned 64-bit and the offset behind it. */
export function readVarint(bytes: Uint8Array, at: number): { value: bigint; next: number } {
  let low = 0;
  let shift = 0;
  let big = 0n;
  for (let next = at; next < bytes.length; next += 1) {
    const byte = bytes[next]!;
    if (shift < 28) low |= (byte & 127) << shift;
    else big |= BigInt(byte & 127) << BigInt(shift);
    if (byte < 128) return { value: BigInt.asUintN(64, BigInt(low) | big), next: next + 1 };
    shift += 7;
    if (shift > 63) throw new WireError('A number is longer than 10 bytes.');
  }
  throw new WireError('The data ends inside a number.');
}

/** The fields of one message, in order, without copying: `bytes` are views. */
export function* fields(bytes: Uint8Array): Generator<WireField> {
  let at = 0;
  while (at < bytes.length) {
    const key = readVarint(bytes, at);
    const number = Number(key.value >> 3n);
    const wireType = Number(key.value & 7n);
    at = key.next;
    if (number === 0) throw new WireError('A field has the number 0.');
    if (wireType === VARINT) {
      const varint = readVarint(bytes, at);
      yield { number, wireType, value: BigInt.asIntN(64, varint.value), bytes: EMPTY, start: at };
      at = varint.next;
      continue;
    }
    let length: number;
    if (wireType === FIXED64) length = 8;
    else if (wireType === FIXED32) length = 4;
    else if (wireType === BYTES) {
      const size = readVarint(bytes, at);
      at = size.next;
      if (size.value > BigInt(bytes.length - at)) throw new WireError('A field is longer than the data.');
      length = Number(size.value);
    } else throw new WireError(`Wire type ${wireType} is not used in ONNX.`);
    if (length > bytes.length - at) throw new WireError('The data ends inside a field.');
    yield { number, wireType, value: 0n, bytes: bytes.subarray(at, at + length), start: at };
    at += length;
  }
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function text(field: WireField): string {
  return decoder.decode(field.bytes);
}

/** A repeated int64 that may be packed (one BYTES field of varints) or not (many VARINT fields). */
export function pushInts(field: WireField, into: number[]): void {
  if (field.wireType === VARINT) {
    into.push(Number(field.value));
    return;
  }
  for (let at = 0; at < field.bytes.length; ) {
    const varint = readVarint(field.bytes, at);
    into.push(Number(BigInt.asIntN(64, varint.value)));
    at = varint.next;
  }
}

/** Builds one message; chunks are joined once, in `finish`. */
export class MessageWriter {
  private readonly chunks: Uint8Array[] = [];
  private length = 0;

  varint(number: number, value: number | bigint): this {
    this.key(number, VARINT);
    return this.rawVarint(BigInt.asUintN(64, BigInt(value)));
  }

  bytes(number: number, value: Uint8Array): this {
    this.key(number, BYTES).rawVarint(BigInt(value.length));
    return this.push(value);
  }

  /** As f32. */
  float(number: number, value: number): this {
    return this.key(number, FIXED32).push(new Uint8Array(Float32Array.of(value).buffer));
  }

  string(number: number, value: string): this {
    return this.bytes(number, encoder.encode(value));
  }

  message(number: number, value: MessageWriter): this {
    this.key(number, BYTES).rawVarint(BigInt(value.length));
    for (const chunk of value.chunks) this.push(chunk);
    return this;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  private key(number: number, wireType: number): this {
    return this.rawVarint(BigInt((number << 3) | wireType));
  }

  private rawVarint(value: bigint): this {
    const out: number[] = [];
    let rest = value;
    while (rest > 127n) {
      out.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    out.push(Number(rest));
    return this.push(Uint8Array.from(out));
  }

  private push(chunk: Uint8Array): this {
    this.chunks.push(chunk);
    this.length += chunk.length;
    return this;
  }
}
