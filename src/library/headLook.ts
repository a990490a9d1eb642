// A look at the header of a .safetensors file on the hub: it tells what the weights are.

import type { Head } from '../checkpoints/networkFile';
import { lookAtStart, MOST_BYTES, type FileAt, type FileStart } from './fileStart';

/** Enough to tell what a file is that is no .safetensors. */
const FIRST_BYTES = 512;

/**
 * null where it cannot be had.
 * @throws only AbortError of `signal`.
 */
export function lookAtHead(file: FileAt, signal: AbortSignal): Promise<Head | null> {
  let most = Math.min(8, file.size);
  const tell = async ({ bytes, blob }: FileStart) => {
    if (bytes < most) return null;
    const head = blob();
    most = await wanted(head, file.size);
    return bytes < most ? null : { head, size: file.size };
  };
  return lookAtStart(file, tell, signal);
}

/** Bytes from the file's start that hold the header, or those that tell that there is none. */
async function wanted(head: Blob, size: number): Promise<number> {
  if (head.size < 8) return Math.min(8, size);
  const length = Number(new DataView(await head.slice(0, 8).arrayBuffer()).getBigUint64(0, true));
  return Math.min(length > MOST_BYTES - 8 ? FIRST_BYTES : 8 + length, size);
}
