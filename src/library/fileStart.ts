// The start of a file on the hub, looked at before anything is downloaded: one request for a bounded range, given up
// as soon as it has told enough. What goes wrong here costs nothing but that.

/** SDXL's graph without weights, the largest, has about 7 MB; its header of a .safetensors file 0.3 MB. */
export const MOST_BYTES = 8 * 2 ** 20;
const PATIENCE_MS = 15_000;

export interface FileAt {
  readonly url: string;
  /** Bytes of the whole file. */
  readonly size: number;
}

export interface FileStart {
  /** So many have come. */
  readonly bytes: number;
  /** Whether nothing more comes. */
  readonly ended: boolean;
  readonly blob: () => Blob;
}

/**
 * What the file's first `MOST_BYTES` tell.
 * @param tell is asked after each piece that comes, until it knows; null is that it does not.
 * @returns null too where the file cannot be had.
 * @throws only AbortError of `signal`.
 */
export async function lookAtStart<T>(
  { url, size }: FileAt,
  tell: (start: FileStart) => Promise<T | null>,
  signal: AbortSignal,
): Promise<T | null> {
  const enough = new AbortController();
  try {
    const length = Math.min(size, MOST_BYTES);
    const response = await fetch(url, {
      headers: { Range: `bytes=0-${length - 1}` },
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.any([signal, enough.signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    // A server that ignores the range would send gigabytes.
    if (!response.body || (response.status !== 206 && !(response.status === 200 && size <= length))) return null;
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const start = { bytes: 0, blob: () => new Blob(chunks) };
    const reader = response.body.getReader();
    while (start.bytes < length) {
      const next = await reader.read();
      if (next.done) break;
      chunks.push(next.value);
      start.bytes += next.value.length;
      const told = await tell({ ...start, ended: false });
      if (told !== null) return told;
    }
    return await tell({ ...start, ended: true });
  } catch {
    signal.throwIfAborted();
    return null;
  } finally {
    enough.abort(); // lets go of a body that was not read to its end
  }
}
