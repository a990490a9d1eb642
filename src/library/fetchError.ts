// What can go wrong between the hub and the disk, as data that crosses the wall between page and worker. After any
// of them what has come so far stays, and the same fetch can be resumed.

import { EngineError, type EngineErrorCode } from '../protocol/errors';

export type FetchErrorCode =
  | 'network' // no connection, a stall, an answer that broke off
  | 'server' // 5xx, 429, or an answer that makes no sense
  | 'link-expired' // the storage behind the hub refused its own signed link
  | 'no-access' // 401 or 403 of the hub: gated, private, or it does not exist
  | 'not-found' // the repository, revision or file
  | 'changed' // the file is not what the listing said
  | 'corrupt' // all bytes came and are not those that were published
  | 'quota' // the disk, or what the browser grants, is full
  | 'layout' // the repository is no model of a kind that can be run
  | 'busy' // another tab is at it
  | 'unreadable' // what is stored is no model's folder
  | 'worker' // the worker that fetches could not start, or has stopped
  | 'version-gone' // the server has another version of the page now; only a reload helps
  | 'storage'; // the browser refused its private file system

export interface FetchErrorData {
  readonly code: FetchErrorCode;
  /** A sentence for people that says what to do. */
  readonly message: string;
  readonly detail: string;
}

/** What the engine calls the same; what else it throws accuses the model's files. */
const OF_ENGINE: { readonly [code in EngineErrorCode]?: FetchErrorCode } = {
  'version-gone': 'version-gone',
  'worker-crashed': 'worker',
};

/** What passes by itself: worth another try without asking. */
const PASSING: ReadonlySet<FetchErrorCode> = new Set(['network', 'server', 'link-expired']);

export class FetchError extends Error implements FetchErrorData {
  constructor(
    readonly code: FetchErrorCode,
    message: string,
    readonly detail = '',
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'FetchError';
  }

  get passes(): boolean {
    return PASSING.has(this.code);
  }
}

/** Anything thrown, as data. */
export function toFetchErrorData(error: unknown): FetchErrorData {
  const { code, message, detail } = asFetchError(error);
  return { code, message, detail };
}

/** DOMExceptions of the file system are told apart by their names. */
export function asFetchError(error: unknown): FetchError {
  if (error instanceof FetchError) return error;
  if (error instanceof EngineError)
    return new FetchError(OF_ENGINE[error.code] ?? 'layout', error.message, error.detail, { cause: error });
  const name = error instanceof Error ? error.name : '';
  const detail = String(error);
  if (name === 'QuotaExceededError') {
    return new FetchError(
      'quota',
      'There is no more room for this model. Delete a model, or free space on the disk; ' +
        'then press Resume: what has come is kept.',
      detail,
      { cause: error },
    );
  }
  if (name === 'NoModificationAllowedError') return busy(detail);
  return new FetchError(
    'storage',
    'The browser did not let Pagoda store the model. Allow this site to store data; in a private window, ' +
      'use an ordinary one. Then try again.',
    detail,
    { cause: error },
  );
}

export function busy(detail: string): FetchError {
  return new FetchError('busy', 'Another tab is fetching this model. Close it, or let it finish.', detail);
}
