// From a listing of the hub to what would be fetched. Nothing large is fetched here: only two small configs, from
// which the verdict is made.

import { FetchError } from './fetchError';
import { fileUrl, type Listing } from './hub';
import type { Plan } from './messages';
import { findRoles, missingRoles, neededPaths, type RolePaths } from './roles';

/** No config of a model is this large; a server that says otherwise is not believed. */
const CONFIG_LIMIT = 256 * 1024;

export function storeName(repo: string, commit: string): string {
  return `${repo.replace('/', '--')}@${commit.slice(0, 12)}`;
}

/** @throws FetchError `layout` where files are missing that every picture needs. */
export async function makePlan(listing: Listing, hubUrl: string, name: string | null, named: RolePaths, signal: AbortSignal): Promise<Plan> {
  const { repo, revision, commit } = listing;
  const paths = listing.files.map((file) => file.path);
  const roles = findRoles(paths, named);
  const missing = missingRoles(roles);
  if (missing.length > 0) {
    const onnx = paths.some((path) => path.endsWith('.onnx'));
    const why = onnx ? `It lacks ${missing.join(', ')}.` : 'It has no ONNX files; look for one whose name ends in “onnx”, or export it with Optimum.';
    throw new FetchError('layout', `${repo} is not a Stable Diffusion model in ONNX folders that Pagoda knows. ${why}`, paths.slice(0, 200).join('\n'));
  }
  const needed = new Set(neededPaths(paths, roles));
  const files = listing.files.filter((file) => needed.has(file.path));
  const config = async (path: string | undefined): Promise<Record<string, unknown>> => {
    const file = files.find((one) => one.path === path);
    if (!file || file.size > CONFIG_LIMIT) return {};
    try {
      const response = await fetch(fileUrl(hubUrl, repo, commit, file.path), { signal, credentials: 'omit' });
      return response.ok ? ((await response.json()) as Record<string, unknown>) : {};
    } catch {
      signal.throwIfAborted();
      return {}; // the verdict is then less precise
    }
  };
  return {
    repo, revision, commit, hubUrl, roles, files,
    dir: storeName(repo, commit),
    name: name ?? repo,
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    unetConfig: await config(roles.unetConfig),
    textConfig: await config(roles.textEncoderConfig),
  };
}
