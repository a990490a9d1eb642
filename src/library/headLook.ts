// A look at the header of a .safetensors file on the hub before anything is downloaded: one request for a bounded
// range, given up as soon as the header is there. It tells what the weights are; what goes wrong here costs nothing
// but that.

import type { Head } from '../checkpoints/networkFile';

/** SDXL's whole header has 0.3 MB. */
const MOST_BYTES = 8 * 2 ** 20;
const PATIENCE_MS = 15_000;
/** Enough to tell what a file is that is no .safetensors. */
const FIRST_BYTES = 512;

/**
 * null where it cannot be had.
 * @throws only AbortError of `signal`.
 */
export async function lookAtHead(
  url: string,
  size: number,
  signal: AbortSignal,
  fetchIt: typeof fetch = fetch,
): Promise<Head | null> {
  const enough = new AbortController();
  try {
    const length = Math.min(size, MOST_BYTES);
    const response = await fetchIt(url, {
      headers: { Range: `bytes=0-${length - 1}` },
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.any([signal, enough.signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    // A server that ignores the range would send gigabytes.
    if (!response.body || (response.status !== 206 && !(response.status === 200 && size <= length))) return null;
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let bytes = 0;
    const reader = response.body.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      chunks.push(next.value);
      bytes += next.value.length;
      if (bytes >= (await wanted(chunks, length))) break;
    }
    const head = new Blob(chunks);
    return bytes < (await wanted(chunks, size)) ? null : { head, size };
  } catch {
    signal.throwIfAborted();
    return null;
  } finally {
    enough.abort(); // lets go of a body that was not read to its end
  }
}

/** Bytes from the file's start that hold the header, or those that tell that there is none. */
async function wanted(chunks: readonly Uint8Array<ArrayBuffer>[], most: number): Promise<number> {
  const first = await new Blob([...chunks]).slice(0, 8).arrayBuffer();
  if (first.byteLength < 8) return Math.min(8, most);
  const length = Number(new DataView(first).getBigUint64(0, true));
  return length > MOST_BYTES - 8 ? Math.min(FIRST_BYTES, most) : Math.min(8 + length, most);
}
