// Scans an ONNX file in place: the ModelProto and GraphProto levels are walked through a window, nodes are
// decoded, and of each large weight only its byte range is kept (raw_data, or packed float_data, whose bytes
// are the same). Anything malformed becomes EngineError 'model-invalid'.

import { EngineError } from '../../protocol/errors';
import { BlobReader } from './blobReader';
import { readAttributes, readValueInfo } from './decode';
import type { Model, GraphNode, Tensor, ValueInfo } from './model';
import { MAX_NODES, inOrder } from './order';
import { BYTES, FIXED32, FIXED64, VARINT, WireError, fields, text } from './protobuf';
import { scanTensor } from './readTensor';

const MAX_OUTPUTS = 1000;

/** A model while it is read: everything that has been met so far. */
export interface Draft {
  irVersion: number;
  opsets: Uint8Array[];
  functions: Uint8Array[];
  nodes: GraphNode[];
  initializers: Map<string, Tensor>;
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  valueInfo: Map<string, ValueInfo>;
}

/**
 * Reads the structure of a model file.
 * @param name what to call the file in an error.
 * @throws EngineError `model-invalid` where the file is truncated or not ONNX.
 */
export async function readModel(file: Blob, name: string): Promise<Model> {
  const draft = newDraft();
  try {
    await readModelProto(new BlobReader(file), draft);
    if (draft.nodes.length === 0 || draft.outputs.length === 0) throw new WireError('It holds no graph.');
    const inputs = draft.inputs.filter((input) => !draft.initializers.has(input.name));
    return { ...draft, inputs, nodes: inOrder(draft.nodes, inputs, draft.initializers) };
  } catch (cause) {
    throw new EngineError(
      'model-invalid',
      `${name} is not a complete ONNX file. Fetch it again, or choose another model.`,
      `${cause instanceof Error ? cause.message : String(cause)} (${file.size} bytes)`,
      { cause },
    );
  }
}

export function newDraft(): Draft {
  return {
    irVersion: 0,
    opsets: [],
    functions: [],
    nodes: [],
    initializers: new Map(),
    inputs: [],
    outputs: [],
    valueInfo: new Map(),
  };
}

/** @throws WireError. */
export async function readModelProto(reader: BlobReader, draft: Draft): Promise<void> {
  await readFields(
    reader,
    reader.size,
    async (number, length) => {
      if (number === 7) return readGraph(reader, reader.at + length, draft);
      if (number === 8) draft.opsets.push(wellFormed((await reader.read(length)).slice()));
      else if (number === 25) draft.functions.push((await reader.read(length)).slice());
      else reader.skip(length);
    },
    (number, value) => {
      if (number === 1) draft.irVersion = Number(value);
    },
  );
}

async function readGraph(reader: BlobReader, end: number, draft: Draft): Promise<void> {
  let parts = 0;
  await readFields(reader, end, async (number, length) => {
    parts += 1;
    if (parts > 4 * MAX_NODES || draft.nodes.length > MAX_NODES || draft.outputs.length > MAX_OUTPUTS)
      throw new WireError('The graph has more parts than any diffusion model.');
    if (number === 1) draft.nodes.push(decodeNode((await reader.read(length)).slice()));
    else if (number === 5) {
      const tensor = await scanTensor(reader, reader.at + length);
      if (draft.initializers.has(tensor.name)) throw new WireError(`The weight ${tensor.name} is there twice.`);
      draft.initializers.set(tensor.name, tensor);
    } else if (number === 11) draft.inputs.push(readValueInfo(await reader.read(length)));
    else if (number === 12) draft.outputs.push(readValueInfo(await reader.read(length)));
    else if (number === 13) {
      const info = readValueInfo(await reader.read(length));
      draft.valueInfo.set(info.name, info);
    } else if (number === 15) throw new WireError('Sparse weights are not supported.');
    else reader.skip(length);
  });
}

/** @throws WireError. What is passed on as it is may be read by others later. */
function wellFormed(message: Uint8Array): Uint8Array {
  Array.from(fields(message));
  return message;
}

/** Walks the fields up to `end`; `onBytes` must consume exactly `length` bytes. */
export async function readFields(
  reader: BlobReader,
  end: number,
  onBytes: (number: number, length: number) => Promise<void>,
  onVarint: (number: number, value: bigint) => void = () => {},
): Promise<void> {
  while (reader.at < end) {
    const key = await reader.varint();
    const number = Math.floor(key / 8);
    const wireType = key % 8;
    if (number === 0) throw new WireError('A field has the number 0.');
    if (wireType === BYTES) {
      const length = await reader.varint();
      if (length > end - reader.at) throw new WireError('A field is longer than the message that holds it.');
      await onBytes(number, length);
    } else if (wireType === VARINT) onVarint(number, await reader.varint64());
    else if (wireType === FIXED32) reader.skip(4);
    else if (wireType === FIXED64) reader.skip(8);
    else throw new WireError(`Wire type ${wireType} is not used in ONNX.`);
  }
  if (reader.at !== end) throw new WireError('A message ends inside a field.');
}

/** Decodes a NodeProto; `encoded` is kept. */
export function decodeNode(encoded: Uint8Array): GraphNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  let name = '';
  let opType = '';
  let domain = '';
  const encodedAttributes: Uint8Array[] = [];
  for (const field of fields(encoded)) {
    if (field.wireType !== BYTES) continue;
    if (field.number === 1) inputs.push(text(field));
    else if (field.number === 2) outputs.push(text(field));
    else if (field.number === 3) name = text(field);
    else if (field.number === 4) opType = text(field);
    else if (field.number === 5) encodedAttributes.push(field.bytes);
    else if (field.number === 7) domain = text(field);
  }
  const { attributes, captured } = readAttributes(encodedAttributes);
  return { name, opType, domain, inputs, outputs, attributes, captured, encoded };
}
