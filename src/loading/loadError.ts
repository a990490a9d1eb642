// What can go wrong while a file or a script is loaded. `absent` accuses the server, the others the connection; for
// files of this version of the page, whose names hold their hashes, `absent` means that another version is there now.

import { EngineError, type EngineErrorCode } from '../protocol/errors';

export type LoadFault =
  | 'network' // no connection, or an answer that broke off
  | 'stalled' // connected, and nothing comes
  | 'server' // 5xx, 429
  | 'absent'; // not there: 4xx, or a page of HTML in its place

export class LoadError extends Error {
  constructor(
    readonly fault: LoadFault,
    readonly url: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`${url}: ${reason}`, options);
    this.name = 'LoadError';
  }

  /** Worth another try without asking. */
  get passes(): boolean {
    return this.fault !== 'absent';
  }
}

/**
 * What failed to load, for people, where it is a file of this version of the page: `version-gone` where the server has
 * it no more, else `code` with a message. What is no LoadError comes back as it is.
 */
export function ownFileError(error: unknown, code: EngineErrorCode, what: string): unknown {
  if (!(error instanceof LoadError)) return error;
  if (error.fault === 'absent') {
    return new EngineError(
      'version-gone',
      'Pagoda has been updated, and the files of the version in this tab are gone. ' +
        'Save the pictures you want to keep, then reload the page.',
      error.message,
      { cause: error },
    );
  }
  return new EngineError(code, `${what} could not be fetched. Check the connection and try again.`, error.message, {
    cause: error,
  });
}
