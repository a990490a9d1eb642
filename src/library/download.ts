// One file from the hub into a sink, resumable: every request asks for the bytes from where the sink ends, starts
// at the hub's own address (so that a signed link is always fresh), and sends no header but Range, which needs no
// CORS preflight. Bytes are hashed as they come; what the sink already has is hashed again, so a file is only
// called whole when what is on the disk is what was published.

import { sleep } from '../loading/sleep';
import { FetchError } from './fetchError';
import { startHash, type Hasher } from './hash';
import type { ManifestFile } from './opfs';

/** Random access to the file that is being written; all calls are synchronous, as OPFS access handles are. */
export interface Sink {
  size(): number;
  read(into: Uint8Array, at: number): number;
  /** @throws where the disk is full. */
  write(bytes: Uint8Array, at: number): void;
  truncate(size: number): void;
  flush(): void;
}

export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly fetch: typeof fetch;
  /** Milliseconds without a byte after which the connection is taken for dead. */
  readonly stallMs: number;
  /** Milliseconds before the nth try after a failure that passes, n = 1, 2, …; the tries end with the list. */
  readonly retryMs: readonly number[];
  /** Bytes of the file that are there, and how many of them have just come; it falls only where a file starts again. */
  readonly onBytes: (bytes: number, arrived: number) => void;
}

const REHASH = 4 * 1024 * 1024;

/** @throws FetchError, AbortError, or what the sink throws. */
export async function download(url: string, file: ManifestFile, sink: Sink, options: DownloadOptions): Promise<void> {
  const progress = await Progress.start(file, sink, options);
  let failures = 0;
  let restarts = 0;
  for (;;) {
    const before = progress.furthest;
    try {
      while (progress.at < file.size) await request(url, file, progress, options);
      progress.verify();
      sink.flush();
      return;
    } catch (error) {
      sink.flush();
      if (!(error instanceof FetchError)) throw error;
      if ((error.code === 'corrupt' || error.code === 'changed') && restarts === 0) {
        restarts += 1; // what was there may be the remains of something else
        await progress.restart();
        continue;
      }
      if (!error.passes) throw error;
      failures = progress.furthest > before ? 1 : failures + 1;
      const pause = options.retryMs[failures - 1];
      if (pause === undefined) throw error;
      await sleep(pause, options.signal);
    }
  }
}

/** Where the file stands, its hash so far, and how far it has ever come. */
class Progress {
  furthest = 0;
  private constructor(
    readonly file: ManifestFile,
    private readonly sink: Sink,
    private hasher: Hasher | null,
    private readonly options: DownloadOptions,
    public at: number,
  ) {}

  static async start(file: ManifestFile, sink: Sink, options: DownloadOptions): Promise<Progress> {
    if (sink.size() > file.size) sink.truncate(0);
    const progress = new Progress(file, sink, await hasherOf(file), options, 0);
    const buffer = new Uint8Array(REHASH);
    const end = sink.size();
    while (progress.at < end) {
      options.signal.throwIfAborted();
      const length = sink.read(buffer.subarray(0, Math.min(REHASH, end - progress.at)), progress.at);
      if (length === 0) break;
      progress.count(buffer.subarray(0, length));
      options.onBytes(end, 0); // all of it is there, whatever of it has been hashed
      await sleep(0, options.signal); // lets a pause be heard
    }
    sink.truncate(progress.at);
    return progress;
  }

  append(bytes: Uint8Array): void {
    this.sink.write(bytes, this.at);
    this.count(bytes);
    this.options.onBytes(this.at, bytes.length);
  }

  async restart(): Promise<void> {
    this.sink.truncate(0);
    this.at = 0;
    this.hasher = await hasherOf(this.file);
    this.options.onBytes(0, 0);
  }

  /** Call once, when all bytes are there. */
  verify(): void {
    const { hash, path } = this.file;
    const actual = this.hasher?.digest();
    this.hasher = null;
    if (!hash || actual === hash.hex) return;
    throw new FetchError(
      'corrupt',
      `${path} came damaged, twice. Press Resume to fetch this file again.`,
      `${hash.kind} ${actual ?? ''}, published ${hash.hex}`,
    );
  }

  private count(bytes: Uint8Array): void {
    this.hasher?.update(bytes);
    this.at += bytes.length;
    this.furthest = Math.max(this.furthest, this.at);
  }
}

function hasherOf(file: ManifestFile): Promise<Hasher | null> {
  return file.hash ? startHash(file.hash.kind, file.size) : Promise.resolve(null);
}

/** One request: appends what comes. Returns where the answer ended well, which may be before the file's end. */
async function request(url: string, file: ManifestFile, progress: Progress, options: DownloadOptions): Promise<void> {
  const stall = new AbortController();
  const signal = AbortSignal.any([options.signal, stall.signal]);
  let timer = setTimeout(() => stall.abort(), options.stallMs);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stall.abort(), options.stallMs);
  };
  try {
    const response = await options.fetch(url, {
      headers: { Range: `bytes=${progress.at}-` },
      cache: 'no-store',
      credentials: 'omit',
      signal,
    });
    const reader = (await accepted(response, url, file, progress)).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      alive();
      if (progress.at + next.value.length > file.size) throw changed(file, `more than ${file.size} bytes came`);
      progress.append(next.value);
    }
  } catch (error) {
    options.signal.throwIfAborted();
    if (stall.signal.aborted) throw network(file, `nothing came for ${options.stallMs / 1000} s`, error);
    if (error instanceof TypeError) throw network(file, String(error), error);
    throw error;
  } finally {
    clearTimeout(timer);
    stall.abort(); // lets go of a body that was not read to its end
  }
  if (progress.at < file.size) throw network(file, `the answer ended at ${progress.at} of ${file.size} bytes`);
}

/** The body, with `progress` at the place that it continues. */
async function accepted(
  response: Response,
  url: string,
  file: ManifestFile,
  progress: Progress,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const { status } = response;
  const place = `${file.path}: HTTP ${status}`;
  const elsewhere = response.redirected && new URL(response.url).origin !== new URL(url).origin;
  if (elsewhere && (status === 401 || status === 403 || status === 404 || status === 410)) {
    throw new FetchError(
      'link-expired',
      'The link to the file has expired. Pagoda asks for another one.',
      `${place} from ${new URL(response.url).host}`,
    );
  }
  if (status === 401 || status === 403) throw noAccess(place);
  if (status === 404 || status === 410) {
    throw new FetchError(
      'not-found',
      `${file.path} is no longer there. Look the model up again; its files may have been renamed.`,
      place,
    );
  }
  if (status === 416) throw changed(file, `${place} at byte ${progress.at}`);
  if (status === 429 || status >= 500)
    throw new FetchError('server', 'The server is busy or out of order. Pagoda tries again by itself.', place);
  if ((status !== 200 && status !== 206) || !response.body)
    throw new FetchError('server', 'The server gave an answer that makes no sense here. Try again later.', place);
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  if (range && range[2] !== '*' && Number(range[2]) !== file.size)
    throw changed(file, `${range[2]} bytes, ${file.size} expected`);
  const starts = status === 206 ? (range ? Number(range[1]) : progress.at) : 0;
  if (starts === progress.at) return response.body;
  if (starts !== 0)
    throw new FetchError(
      'server',
      'The server sent another part than was asked for. Try again later.',
      `${place} ${range?.[0] ?? ''}`,
    );
  await progress.restart(); // it ignores Range: this file comes from its beginning
  return response.body;
}

export function noAccess(detail: string): FetchError {
  return new FetchError(
    'no-access',
    'The hub does not give this away without an account: it is gated, private, or misspelt. ' +
      'Accept its terms on the hub and download it there, then open the folder from your disk.',
    detail,
  );
}

function changed(file: ManifestFile, detail: string): FetchError {
  return new FetchError(
    'changed',
    `${file.path} has changed since its size was looked up. Look the model up again and fetch the new version.`,
    detail,
  );
}

function network(file: ManifestFile, detail: string, cause?: unknown): FetchError {
  return new FetchError(
    'network',
    'The connection was lost. Pagoda goes on by itself when it is back.',
    `${file.path}: ${detail}`,
    { cause },
  );
}
