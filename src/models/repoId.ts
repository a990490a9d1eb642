// How people name a repository of the hub: its id, its id with a revision, or the address of one of its pages.

export const HUB_URL = 'https://huggingface.co';

export interface RepoId {
  /** `owner/name`. */
  readonly repo: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/** Takes `owner/name`, `owner/name@revision` and addresses of the hub's pages. null where it is neither. */
export function parseRepoId(text: string, revision = ''): RepoId | null {
  const path = text
    .trim()
    .replace(/^https?:\/\/[^/]+\//, '')
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '');
  const match = /^(\w[\w.-]*\/\w[\w.-]*)(?:@(.+)|\/(?:tree|blob|resolve)\/([^/]+).*)?$/.exec(path);
  if (!match?.[1]) return null;
  return { repo: match[1], revision: revision.trim() || match[2] || match[3] || 'main' };
}
