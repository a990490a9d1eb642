// Scripts: modules imported on demand and workers. A browser says nothing of why one did not start, and may remember
// that it did not. So a script is first fetched as a file, which tells the fault and waits with patience; what is
// started then comes from the cache, and where it fails nevertheless is asked for under another address.

import { fetchFile, type FetchOptions } from './fetchFile';
import { LoadError } from './loadError';

export interface LoadedScript {
  readonly module: unknown;
  /** The address that worked. */
  readonly url: string;
}

/**
 * Imports a module that is built as a file of its own (`?url`).
 * @throws LoadError, what the module throws, or the reason of `signal`.
 */
export async function loadScript(
  url: string,
  options: FetchOptions = {},
  importIt: (url: string) => Promise<unknown> = (address) => import(/* @vite-ignore */ address) as Promise<unknown>,
): Promise<LoadedScript> {
  await fetchFile(url, options);
  try {
    return { module: await importIt(url), url };
  } catch (error) {
    options.signal?.throwIfAborted();
    // The files are here: what a module throws itself is thrown again.
    if (!(error instanceof TypeError)) throw error;
  }
  const again = anotherAddress(url);
  try {
    return { module: await importIt(again), url: again };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error instanceof TypeError ? new LoadError('network', url, String(error), { cause: error }) : error;
  }
}

/**
 * A module worker that is held to the page's own Content-Security-Policy. One started from `url` itself would be held
 * to what its file is answered with, which on a host without headers is none; one from a blob inherits the page's.
 * @param url absolute, of a module of this origin
 */
export function workerUnderPagePolicy(url: string, name: string): Worker {
  const start = new Blob([`import ${JSON.stringify(url)};`], { type: 'text/javascript' });
  // Never revoked: it is one line, and when a browser has read it for good is not told.
  return new Worker(URL.createObjectURL(start), { type: 'module', name });
}

/** Why a script did not start, where its file is the reason; null where it is there and failed by itself. */
export async function whyNotStarted(url: string, options: FetchOptions = {}): Promise<LoadError | null> {
  try {
    await fetchFile(url, options);
    return null;
  } catch (error) {
    if (error instanceof LoadError) return error;
    throw error;
  }
}

/** The same file under an address of which the browser remembers nothing. */
export function anotherAddress(url: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}again=${Math.random().toString(36).slice(2)}`;
}
