// A textual inversion embedding in a .safetensors file: vectors that stand in a prompt in the place of tokens. One
// tensor [vectors, width] or [width] under any key (A1111's `emb_params`, diffusers' the token itself), or of SDXL one
// for each of its text encoders, `clip_l` and `clip_g`. Older files are pickles, which are not read.

import { EngineError } from '../protocol/errors';
import { readHeader, type SafetensorsHeader, type StoredTensor } from './safetensors';
import { floatValues } from './floats';

export interface EmbeddingFile {
  /** One a text encoder. */
  readonly tensors: readonly StoredTensor[];
}

/** Vectors of one text encoder. */
export interface EmbeddingVectors {
  readonly count: number;
  readonly width: number;
  /** [count, width]. */
  readonly values: Float32Array;
}

/** A prompt has room for 75 tokens; more vectors than this are something else. */
const MOST_VECTORS = 256;
const MOST_WIDTH = 4096;
const NUMBERS: ReadonlySet<string> = new Set(['F32', 'F16', 'BF16', 'F64']);

/**
 * From the header alone.
 * @throws EngineError `embedding-invalid`: what the file is instead, or what of it is damaged.
 */
export async function readEmbedding(file: Blob): Promise<EmbeddingFile> {
  try {
    return embeddingOf(await readHeader(file));
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw invalidEmbedding(error.message, error.detail);
  }
}

/**
 * All its numbers, encoder by encoder.
 * @throws EngineError `embedding-invalid`.
 */
export async function embeddingVectors(file: Blob): Promise<EmbeddingVectors[]> {
  const { tensors } = await readEmbedding(file);
  return Promise.all(
    tensors.map(async ({ dtype, shape, offset, length }) => {
      const values = floatValues(dtype, new Uint8Array(await file.slice(offset, offset + length).arrayBuffer()));
      if (!values?.every(Number.isFinite)) throw invalidEmbedding('This embedding has values that are no numbers.');
      return { count: countOf(shape), width: shape.at(-1)!, values };
    }),
  );
}

/** "8 vectors, for Stable Diffusion XL". */
export function embeddingText({ tensors }: EmbeddingFile): string {
  const counts = [...new Set(tensors.map(({ shape }) => countOf(shape)))];
  const made = tensors.length > 1 ? 'Stable Diffusion XL' : FAMILIES.get(tensors[0]!.shape.at(-1)!);
  return [
    counts.map((count) => `${count} ${count === 1 ? 'vector' : 'vectors'}`).join(' and '),
    ...(made === undefined ? [] : [`for ${made}`]),
  ].join(', ');
}

export function invalidEmbedding(message: string, detail = ''): EngineError {
  return new EngineError('embedding-invalid', message, detail);
}

/** By the width of the text encoder. */
const FAMILIES: ReadonlyMap<number, string> = new Map([
  [768, 'Stable Diffusion 1.x'],
  [1024, 'Stable Diffusion 2.x'],
]);

function embeddingOf({ tensors }: SafetensorsHeader): EmbeddingFile {
  const [l, g] = [tensors.get('clip_l'), tensors.get('clip_g')];
  const ofBoth = l && g && tensors.size === 2;
  const found = ofBoth ? [l, g] : [...tensors.values()];
  const fits = found.every(
    ({ dtype, shape }) =>
      NUMBERS.has(dtype) &&
      (shape.length === 1 || shape.length === 2) &&
      countOf(shape) >= 1 &&
      countOf(shape) <= MOST_VECTORS &&
      shape.at(-1)! <= MOST_WIDTH,
  );
  if (fits && (tensors.size === 1 || ofBoth)) return { tensors: found };
  throw invalidEmbedding(
    'This .safetensors file is no textual inversion embedding. A model is chosen as “Checkpoint file”, a LoRA as ' +
      '“LoRA file”.',
    [...tensors.keys()].slice(0, 20).join('\n'),
  );
}

function countOf(shape: readonly number[]): number {
  return shape.length === 1 ? 1 : shape[0]!;
}
