// What a Hugging Face repository holds: the commit that a revision means, and its files with sizes and hashes.
// Any server with the same API stands in for the hub (a mirror, a test): its address is an argument.

import { HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import { HUB_COMMIT, HUB_FILES, MOST_FILES } from '../configs/hubJson';
import { check } from '../configs/readJson';
import { EngineError } from '../protocol/errors';
import { noAccess } from './download';
import { FetchError } from './fetchError';
import type { ManifestFile } from './opfs';
import type { RepoId } from '../models/repoId';

export interface Listing extends RepoId {
  readonly commit: string;
  /** As its page names it; null where it says nothing. */
  readonly licence: string | null;
  readonly files: readonly ManifestFile[];
}

/** One page of a listing, which is small, comes within this or not at all. */
const ANSWER_MS = 30_000;

/** @throws FetchError. */
export async function listRepo({ repo, revision }: RepoId, hubUrl: string, signal: AbortSignal): Promise<Listing> {
  const patient = () => AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const fetchIt: typeof fetch = (input, init) =>
    fetch(input, { ...init, signal: patient(), credentials: 'omit', cache: 'no-store' });
  try {
    const { sha: given, cardData } = await modelInfo({
      name: repo,
      revision,
      hubUrl,
      additionalFields: ['sha', 'cardData'],
      fetch: fetchIt,
    });
    const sha = check(HUB_COMMIT, `${repo}@${revision}`, given);
    const listed: unknown[] = [];
    for await (const entry of listFiles({ repo, revision: sha, recursive: true, hubUrl, fetch: fetchIt })) {
      if ((entry as { type?: unknown } | null)?.type === 'file' && listed.push(entry) > MOST_FILES) break;
    }
    const files = check(HUB_FILES, `The listing of ${repo}`, listed).map(({ path, size, oid, lfs }): ManifestFile => {
      const hash = lfs
        ? { kind: 'sha256' as const, hex: lfs.oid }
        : oid
          ? { kind: 'git-sha1' as const, hex: oid }
          : null;
      return { path, size: lfs?.size ?? size, hash };
    });
    return { repo, revision, commit: sha, licence: licenceIn(cardData), files };
  } catch (error) {
    signal.throwIfAborted();
    throw asHubError(error, `${repo}@${revision}`);
  }
}

/** A word such as `openrail++`; anything may stand there. */
function licenceIn(card: unknown): string | null {
  const { license } = (typeof card === 'object' && card !== null ? card : {}) as { readonly license?: unknown };
  return typeof license === 'string' && /^[\w.+ -]{1,60}$/.test(license) ? license : null;
}

/** Where a file of a listing is fetched from. */
export function fileUrl(hubUrl: string, repo: string, commit: string, path: string): string {
  return `${hubUrl}/${repo}/resolve/${encodeURIComponent(commit)}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

function asHubError(error: unknown, what: string): FetchError {
  if (error instanceof EngineError) {
    return new FetchError(
      'server',
      'The hub’s answer makes no sense. Look at its address, or try again later.',
      error.detail,
      { cause: error },
    );
  }
  if (!(error instanceof HubApiError)) {
    return new FetchError(
      'network',
      'The hub cannot be reached. Check the connection, and try again.',
      `${what}: ${String(error)}`,
      { cause: error },
    );
  }
  const detail = `${what}: HTTP ${error.statusCode} ${error.message}`;
  // For a repository that does not exist the hub answers 401 to strangers, so as not to tell which private ones do.
  if (error.statusCode === 401 || error.statusCode === 403) return noAccess(detail);
  if (error.statusCode === 404)
    return new FetchError(
      'not-found',
      'There is no such repository or revision. Check the spelling: owner/name.',
      detail,
    );
  return new FetchError('server', 'The hub is busy or out of order. Try again in a minute.', detail);
}
