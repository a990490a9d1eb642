// A LoRA file on the visitor's disk: what it is, from its header, and by what it is known elsewhere. It is read in
// place.

import { holdsLora, loraText, readLora } from '../checkpoints/lora/loraFile';
import { headerEnd, readHeader } from '../checkpoints/safetensors';
import { withoutEnding } from '../models/weightFiles';
import { startHash } from './hash';

export interface LoraOnDisk {
  /** The file's, without its ending. */
  readonly name: string;
  /** "for Stable Diffusion 1.x, rank 16, UNet and text encoder". */
  readonly what: string;
}

/** Whether the file is one, also of a kind that is not merged. False too where it cannot be read. */
export async function isLora(file: File): Promise<boolean> {
  try {
    return holdsLora(await readHeader(file));
  } catch {
    return false; // what is wrong with it is said by who opens it
  }
}

/** @throws EngineError `lora-invalid`: what the file is instead, or what of it is damaged. */
export async function loraOnDisk(file: File): Promise<LoraOnDisk> {
  return { name: withoutEnding(file.name), what: loraText(await readLora(file)) };
}

/** Bytes that are hashed at once. */
const PIECE = 4 * 1024 * 1024;

/** A1111's: the first 12 digits of the SHA-256 of all that is behind the header, as training scripts note it too. */
export async function loraHash(file: File): Promise<string> {
  const hash = await startHash('sha256', file.size);
  for (let at = await headerEnd(file); at < file.size; at += PIECE)
    hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
  return hash.digest().slice(0, 12);
}
