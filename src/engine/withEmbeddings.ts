// Embeddings that prompts may name, with a model that is open: their vectors take the place of tokens where a prompt is
// read. Nothing is built anew.

import { embeddingVectors, invalidEmbedding, type EmbeddingVectors } from '../checkpoints/embeddingFile';
import type { EmbeddingRef } from '../protocol/modelRefs';
import type { DiffusionModel } from './diffusionModel';

export interface OpenedEmbedding {
  readonly id: string;
  readonly name: string;
  /** One a text encoder that it is made for. */
  readonly vectors: readonly EmbeddingVectors[];
}

/**
 * The model with these and no other; itself where it has them already, or where its text encoders take none. Those of
 * other widths are not used.
 * @throws EngineError `embedding-invalid`; the model is as it was.
 */
export async function withEmbeddings(model: DiffusionModel, refs: readonly EmbeddingRef[]): Promise<DiffusionModel> {
  const widths = model.prompts.vectorWidths;
  const { embeddings: before } = model;
  const same = before.length === refs.length && refs.every(({ id }, at) => before[at]?.id === id);
  if (!widths || same) return model;
  const opened = await Promise.all(
    refs.map(async (ref) => before.find(({ id }) => id === ref.id) ?? (await open(ref))),
  );
  const used = opened.filter(
    ({ vectors }) => vectors.length === widths.length && vectors.every(({ width }, at) => width === widths[at]),
  );
  model.prompts.useVectors(
    new Map(used.map(({ name, vectors }) => [name, vectors.map(({ count, values }) => ({ tokens: count, values }))])),
  );
  return { ...model, embeddings: opened, info: { ...model.info, embeddings: used.map(({ id }) => id) } };
}

async function open({ id, name, file }: EmbeddingRef): Promise<OpenedEmbedding> {
  try {
    return { id, name, vectors: await embeddingVectors(file) };
  } catch (cause) {
    if (!(cause instanceof DOMException)) throw cause;
    throw invalidEmbedding(`The embedding ${name} is gone, or has changed. Add it again.`, String(cause));
  }
}
