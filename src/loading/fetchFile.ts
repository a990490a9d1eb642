// One file over the network, into memory. What passes by itself is tried again: from where the answer broke off where
// the server can, past the HTTP cache (Chrome fails both readers of a large file that the service worker stores while
// the page fetches it). There is no limit on the time in all, only on the time without a byte.

import { LoadError } from './loadError';
import { sleep } from './sleep';

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes that are there, which never fall, and how many there will be; null where the server does not say. */
  readonly onBytes?: ((loaded: number, total: number | null) => void) | undefined;
  /** Milliseconds without a byte after which the connection is taken for dead. */
  readonly stallMs?: number;
  /** Milliseconds before the nth try after failures without progress, n = 1, 2, …; the tries end with the list. */
  readonly retryMs?: readonly number[];
}

export const STALL_MS = 30_000;
export const RETRY_MS: readonly number[] = [0, 1_000, 4_000];

/** @throws LoadError, or the reason of `signal`. */
export async function fetchFile(url: string, options: FetchOptions = {}): Promise<Blob> {
  const { signal = new AbortController().signal, retryMs = RETRY_MS } = options;
  const transfer = new Transfer(url, signal, options);
  for (let failures = 0; ; ) {
    const before = transfer.furthest;
    try {
      return await transfer.go();
    } catch (error) {
      if (!(error instanceof LoadError) || !error.passes) throw error;
      failures = transfer.furthest > before ? 1 : failures + 1;
      const pause = retryMs[failures - 1];
      if (pause === undefined) throw error;
      await sleep(pause, signal);
    }
  }
}

/** The bytes that have come, and one request after the other for the rest. */
class Transfer {
  furthest = 0;
  private chunks: Uint8Array<ArrayBuffer>[] = [];
  private loaded = 0;
  private requests = 0;
  /** Of the answer that the chunks are of; without one they cannot be continued. */
  private tag: string | null = null;

  constructor(
    private readonly url: string,
    private readonly signal: AbortSignal,
    private readonly options: FetchOptions,
  ) {}

  async go(): Promise<Blob> {
    const {
      url,
      signal,
      options: { stallMs = STALL_MS },
    } = this;
    signal.throwIfAborted();
    const stall = new AbortController();
    let timer = setTimeout(() => stall.abort(), stallMs);
    try {
      const response = await fetch(url, {
        ...(this.requests++ === 0 ? {} : { cache: 'no-store' }),
        ...(this.loaded > 0 && this.tag !== null
          ? { headers: { Range: `bytes=${this.loaded}-`, 'If-Range': this.tag } }
          : {}),
        signal: AbortSignal.any([signal, stall.signal]),
      });
      const total = this.accept(response);
      const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        clearTimeout(timer);
        timer = setTimeout(() => stall.abort(), stallMs);
        this.append(next.value, total);
      }
      if (total !== null && this.loaded !== total)
        throw new LoadError('network', url, `${this.loaded} of ${total} bytes came`);
      return new Blob(this.chunks);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof LoadError) throw error;
      if (stall.signal.aborted)
        throw new LoadError('stalled', url, `nothing came for ${stallMs / 1000} s after ${this.loaded} bytes`, {
          cause: error,
        });
      throw new LoadError('network', url, `after ${this.loaded} bytes: ${String(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
      stall.abort(); // lets go of a body that was not read to its end
    }
  }

  /** Bytes of the whole file; null where the answer does not tell. */
  private accept(response: Response): number | null {
    const { status, headers } = response;
    const isPage = /^text\/html\b/i.test(headers.get('content-type') ?? '');
    if (status === 429 || status >= 500) throw new LoadError('server', this.url, `HTTP ${status}`);
    if ((status !== 200 && status !== 206) || !response.body) throw new LoadError('absent', this.url, `HTTP ${status}`);
    if (isPage) throw new LoadError('absent', this.url, 'a page of HTML came in its place');
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '');
    if (status === 206 && range && Number(range[1]) === this.loaded) return Number(range[2]);
    this.chunks = [];
    this.loaded = 0;
    const tag = headers.get('etag');
    // Coded answers count other bytes than the file has, and weak tags do not tell bytes apart.
    const plain = !headers.get('content-encoding');
    this.tag = plain && tag?.startsWith('"') ? tag : null;
    if (status === 206)
      throw new LoadError('network', this.url, `another part came: ${headers.get('content-range') ?? ''}`);
    const length = headers.get('content-length');
    return plain && length !== null && /^\d+$/.test(length) ? Number(length) : null;
  }

  private append(bytes: Uint8Array<ArrayBuffer>, total: number | null): void {
    this.chunks.push(bytes);
    this.loaded += bytes.length;
    if (this.loaded <= this.furthest) return;
    this.furthest = this.loaded;
    this.options.onBytes?.(this.loaded, total);
  }
}
