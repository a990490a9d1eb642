// A LoRA of a repository: it is fetched whole and given to the page, which adds it like one from the disk. It is not
// stored: a LoRA belongs to no model.

import { loraOf, loraText, holdsLora } from '../checkpoints/lora/loraFile';
import type { Head } from '../checkpoints/networkFile';
import { readHeader } from '../checkpoints/safetensors';
import { fetchFile } from '../loading/fetchFile';
import { LoadError } from '../loading/loadError';
import { withoutEnding } from '../models/weightFiles';
import { FetchError } from './fetchError';
import { startHash } from './hash';
import { fileUrl, type Listing } from './hub';
import type { LoraFound } from './libraryMessages';

/** Bytes that are hashed at once. */
const PIECE = 4 * 1024 * 1024;

/**
 * What a file of a repository is as a LoRA; null where it is none.
 * @throws EngineError `lora-invalid` for one of a kind that is not merged.
 */
export async function loraFound(
  { repo, revision, commit, licence }: Listing,
  file: LoraFound['file'],
  hubUrl: string,
  { head, size }: Head,
): Promise<LoraFound | null> {
  const header = await readHeader(head, size);
  if (!holdsLora(header)) return null;
  const name = loraName(file.path, repo);
  return { kind: 'lora', repo, revision, commit, hubUrl, licence, file, name, what: loraText(loraOf(header)) };
}

/** diffusers calls all of them `pytorch_lora_weights`: then the folder or repository says more. */
export function loraName(path: string, folder: string): string {
  const name = withoutEnding(path.split('/').at(-1) ?? '');
  return name === 'pytorch_lora_weights' ? (folder.split('/').at(-1) ?? name) : name;
}

/** @throws FetchError, or the reason of `signal`. */
export async function fetchLora({ hubUrl, repo, commit, file, name }: LoraFound, signal: AbortSignal): Promise<File> {
  let bytes;
  try {
    bytes = await fetchFile(fileUrl(hubUrl, repo, commit, file.path), { signal });
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    throw new FetchError(
      error.fault === 'absent' ? 'not-found' : error.fault === 'server' ? 'server' : 'network',
      'The LoRA could not be fetched. Check the connection, and try again.',
      error.message,
      { cause: error },
    );
  }
  if (file.hash) {
    const hash = await startHash(file.hash.kind, bytes.size);
    for (let at = 0; at < bytes.size; at += PIECE)
      hash.update(new Uint8Array(await bytes.slice(at, at + PIECE).arrayBuffer()));
    const hex = hash.digest();
    if (hex !== file.hash.hex)
      throw new FetchError('corrupt', 'What came is not what was published. Try again.', `${file.path}: ${hex}`);
  }
  return new File([bytes], `${name}.safetensors`);
}
