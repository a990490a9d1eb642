// The header of a .safetensors file: what tensors it holds and where their bytes lie. No weight is read. The layout:
// 8 bytes N (u64, little-endian), N bytes of JSON {name: {dtype, shape, data_offsets}}, then the tensors, each right
// behind the one before. Strangers write these files: every number is checked before anything is made of it.

import { EngineError } from '../protocol/errors';
import { whatElse } from './foreignFile';

/** Bits of one element. */
const BITS = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  I64: 64,
  U64: 64,
  F64: 64,
  C64: 64,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
} as const;

export type Dtype = keyof typeof BITS;

export interface StoredTensor {
  readonly dtype: Dtype;
  /** Row-major. `[]` is one number. */
  readonly shape: readonly number[];
  /** Bytes from the file's start. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  /** The file's name, where a model lies in several. */
  readonly shard?: string;
  /** One number, or one for each of the first axis, by which these are multiplied in use (`scaledFloat8`). */
  readonly scale?: StoredTensor;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Bytes. SDXL's header has 0.3 MB; those of LoRA bring training tags and thumbnails, a few MB. */
const MOST_HEADER = 32 * 2 ** 20;
const MOST_TENSORS = 100_000;
const MOST_NAME = 1024;
const MOST_AXES = 8;
/** Bytes of a look at what else a file may be. */
const LOOK = 512;

/**
 * Where the header ends, in bytes from the file's start: what must be there for `readHeader`.
 * @param head the file, or its beginning.
 * @param size bytes of the whole file.
 * @throws EngineError `model-invalid` that says what the file is instead, where its first bytes tell.
 */
export async function headerEnd(head: Blob, size = head.size): Promise<number> {
  const first = new Uint8Array(await head.slice(0, LOOK).arrayBuffer());
  if (size < 8 || first.length < 8) throw foreign(first, `${size} bytes`);
  const length = Number(new DataView(first.buffer).getBigUint64(0, true));
  if (length < 2 || length > MOST_HEADER || (first.length > 8 && !beginsJson(first[8]!)))
    throw foreign(first, `a header of ${length} bytes`);
  if (8 + length > size) throw cutShort(`A header of ${length} bytes in a file of ${size}.`);
  return 8 + length;
}

/**
 * Reads the header alone.
 * @param head the file, or at least its first `headerEnd` bytes.
 * @param size bytes of the whole file.
 * @throws EngineError `model-invalid`.
 */
export async function readHeader(head: Blob, size = head.size): Promise<SafetensorsHeader> {
  const end = await headerEnd(head, size);
  const bytes = await head.slice(8, end).arrayBuffer();
  if (bytes.byteLength < end - 8) throw cutShort(`${bytes.byteLength} of ${end - 8} bytes of the header are here.`);
  const entries = entriesOf(bytes);
  const metadata = metadataOf(entries.get('__metadata__'));
  entries.delete('__metadata__');
  if (entries.size > MOST_TENSORS) throw damaged(`${entries.size} tensors`);
  const tensors = [...entries].map(([name, entry]) => [name, tensorOf(name, entry, end)] as const);
  return { tensors: new Map(inOrder(tensors, end, size)), metadata };
}

function entriesOf(bytes: ArrayBuffer): Map<string, unknown> {
  let json: string;
  let value: unknown;
  try {
    json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(json);
  } catch (cause) {
    throw damaged('The header is not JSON.', { cause });
  }
  if (!isRecord(value)) throw damaged('The header is not a JSON object.');
  // Of two fields with one name JSON.parse keeps the last and says nothing. Where there are none, each field that was
  // written has its colon.
  const entries = Object.entries(value);
  const kept = entries.reduce((sum, [, entry]) => sum + (isRecord(entry) ? Object.keys(entry).length : 0), 0);
  if (colonsBetweenTexts(json) !== entries.length + kept)
    throw damaged('A field stands twice in the header, or one is too deep.');
  return new Map(entries);
}

/** @param json that JSON.parse took. */
function colonsBetweenTexts(json: string): number {
  let colons = 0;
  for (let at = 0; at < json.length; at += 1) {
    const letter = json[at];
    if (letter === ':') colons += 1;
    if (letter !== '"') continue;
    do at = json.indexOf('"', at + 1);
    while (isEscaped(json, at));
  }
  return colons;
}

function isEscaped(json: string, quote: number): boolean {
  let before = quote;
  while (json[before - 1] === '\\') before -= 1;
  return (quote - before) % 2 === 1;
}

function metadataOf(entry: unknown): Map<string, string> {
  if (entry === undefined) return new Map();
  if (!isRecord(entry)) throw damaged('The metadata are no object.');
  return new Map(
    Object.entries(entry).map(([name, value]) => {
      if (typeof value !== 'string') throw damaged(`The metadata ${shown(name)} are no text.`);
      return [name, value];
    }),
  );
}

function tensorOf(name: string, entry: unknown, dataStart: number): StoredTensor {
  const fault = (what: string) => damaged(`${shown(name)}: ${what}`);
  if (name.length > MOST_NAME) throw fault(`a name of ${name.length} letters`);
  if (!isRecord(entry) || Object.keys(entry).length !== 3) throw fault('not dtype, shape and data_offsets');
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(BITS, dtype)) throw fault(`unknown dtype ${shown(String(dtype))}`);
  if (!isSizes(shape) || shape.length > MOST_AXES) throw fault(`shape ${shownJson(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2) throw fault(`data_offsets ${shownJson(offsets)}`);
  const [begin, end] = offsets as [number, number];
  let bits: number = BITS[dtype as Dtype];
  for (const size of shape) {
    bits *= size;
    if (!Number.isSafeInteger(bits)) throw fault('more elements than a file can hold');
  }
  if (bits % 8 !== 0 || end - begin !== bits / 8) throw fault(`bytes ${begin} to ${end} for ${bits} bits`);
  return { dtype: dtype as Dtype, shape, offset: dataStart + begin, length: end - begin };
}

/** Sorted by their bytes, which must fill the file without a hole or an overlap. */
function inOrder(tensors: (readonly [string, StoredTensor])[], dataStart: number, size: number) {
  const sorted = tensors.sort(([, a], [, b]) => a.offset - b.offset || a.length - b.length);
  let end = dataStart;
  for (const [name, { offset, length }] of sorted) {
    if (offset !== end) throw damaged(`${shown(name)} begins at byte ${offset}, not ${end}.`);
    end += length;
  }
  if (end > size) throw cutShort(`${size} of ${end} bytes are here.`);
  if (end < size) throw damaged(`${size - end} bytes follow the last tensor.`);
  return sorted;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** JSON's white space, or the brace that the format asks for. */
function beginsJson(byte: number): boolean {
  return [0x7b, 0x20, 0x0a, 0x0d, 0x09].includes(byte);
}

/** A stranger's text for a detail: short and on one line. */
function shown(text: string): string {
  return `“${text.slice(0, 80).replace(/\p{C}/gu, '?')}”`;
}

function shownJson(value: unknown): string {
  return shown(value === undefined ? 'nothing' : JSON.stringify(value));
}

function foreign(first: Uint8Array, detail: string): EngineError {
  return new EngineError('model-invalid', whatElse(first), detail);
}

function cutShort(detail: string): EngineError {
  return new EngineError(
    'model-invalid',
    'This file ends before its last weights: it was not fetched whole. Fetch it again.',
    detail,
  );
}

function damaged(detail: string, options?: ErrorOptions): EngineError {
  return new EngineError(
    'model-invalid',
    'This .safetensors file is damaged: its header does not fit its content. Fetch it again, or choose another.',
    detail,
    options,
  );
}
