// What the first bytes of an ONNX file tell. Exporters write a graph's nodes before its weights, and of each weight its
// dims and type before its bytes: a few megabytes show whether a model of gigabytes computes in f16.

import { BlobReader } from './blobReader';
import { FLOAT, FLOAT16, type Tensor } from './model';
import { WireError } from './protobuf';
import { newDraft, readModelProto, type Draft } from './read';

/** Smaller f32 tensors occur in f16 graphs too: scales, frequencies of the timestep. */
const WEIGHT_ELEMENTS = 1024;

/**
 * Whether the graph computes in f16.
 * @param head the first bytes of the file, or all.
 * @param size bytes of the whole file.
 * @returns null where these bytes do not tell: there are too few, or it is no ONNX file.
 */
export async function headUsesFloat16(head: Blob, size: number): Promise<boolean | null> {
  const draft = newDraft();
  try {
    await readModelProto(new BlobReader(head, size), draft);
  } catch (error) {
    // What was met before the end of the head counts; damage shows when the file is loaded.
    if (!(error instanceof WireError)) throw error;
  }
  return tells(draft);
}

function tells({ nodes, initializers }: Draft): boolean | null {
  const readers = new Map<Tensor, Set<string>>();
  for (const { opType, inputs } of nodes) {
    for (const name of inputs) {
      const weight = initializers.get(name);
      if (weight) readers.set(weight, (readers.get(weight) ?? new Set()).add(opType));
    }
  }
  let single = false;
  for (const [{ dataType, dims }, operators] of readers) {
    const castOnly = operators.size === 1 && operators.has('Cast');
    if (dataType === FLOAT16 && !castOnly) return true;
    const large = dims.length >= 2 && dims.reduce((product, dim) => product * dim, 1) >= WEIGHT_ELEMENTS;
    // Weights that are only kept in f16, with a Cast behind each, are computed with in f32.
    if (large && (dataType === FLOAT || (dataType === FLOAT16 && castOnly))) single = true;
  }
  return single ? false : null;
}
