// A textual inversion embedding on the visitor's disk: what it is, from its header.

import { embeddingText, invalidEmbedding, readEmbedding } from '../checkpoints/embeddingFile';
import { withoutEnding } from '../models/weightFiles';

export interface EmbeddingOnDisk {
  /** The file's, without its ending: the word that stands for it in prompts. */
  readonly name: string;
  /** "8 vectors, for Stable Diffusion 1.x". */
  readonly what: string;
}

/** Whether the file is one. False too where it cannot be read. */
export async function isEmbedding(file: File): Promise<boolean> {
  try {
    await readEmbedding(file);
    return true;
  } catch {
    return false; // what is wrong with it is said by who opens it
  }
}

/** @throws EngineError `embedding-invalid`: what the file is instead, or what of it is damaged. */
export async function embeddingOnDisk(file: File): Promise<EmbeddingOnDisk> {
  const what = embeddingText(await readEmbedding(file));
  const name = withoutEnding(file.name);
  if (/[\p{L}\p{N}]/u.test(name)) return { name, what };
  throw invalidEmbedding(
    'The name of this file has no letter or digit by which a prompt could name it. Rename it.',
    name,
  );
}
