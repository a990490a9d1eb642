// From a listing of the hub to what would be fetched. Nothing large is fetched here: only two small configs and the
// beginning of the UNet's graph, from which the verdict is made.

import { CONFIG_LIMIT, absent, parseJson, type Schema } from '../configs/readJson';
import { TEXT_ENCODER, UNET } from '../configs/schemas';
import { NO_GLANCE } from '../models/estimate';
import { FetchError } from './fetchError';
import { glanceAtGraph } from './graphGlance';
import { fileUrl, listRepo, type Listing } from './hub';
import type { HubEntry } from '../models/hubCatalog';
import type { Plan } from './libraryMessages';
import type { ManifestFile } from './opfs';
import { findRoles, missingRoles, neededPaths, standardPath, type Role, type RolePaths } from '../models/roles';

export function storeName(repo: string, commit: string): string {
  return `${repo.replace('/', '--')}@${commit.slice(0, 12)}`;
}

/**
 * @throws FetchError; `layout` where files are missing that every picture needs.
 * EngineError `model-invalid` for configs that make no sense.
 */
export async function makePlan(
  listing: Listing,
  hubUrl: string,
  entry: HubEntry | null,
  signal: AbortSignal,
): Promise<Plan> {
  const { repo, revision, commit } = listing;
  const paths = listing.files.map((file) => file.path);
  const found = findRoles(paths, entry?.roles);
  const added = entry ? await lacking(entry, found, hubUrl, signal) : [];
  const roles = { ...found, ...Object.fromEntries(added.map(({ role, file }) => [role, file.path])) };
  const missing = missingRoles(roles);
  if (missing.length > 0) {
    const onnx = paths.some((path) => path.endsWith('.onnx'));
    const why = onnx
      ? `It lacks ${missing.join(', ')}.`
      : 'It has no ONNX files; look for one whose name ends in “onnx”, or export it with Optimum.';
    throw new FetchError(
      'layout',
      `${repo} is not a Stable Diffusion model in ONNX folders that Pagoda knows. ${why}`,
      paths.slice(0, 200).join('\n'),
    );
  }
  const needed = new Set(neededPaths(paths, found));
  const files = [...listing.files.filter((file) => needed.has(file.path)), ...added.map(({ file }) => file)];
  const config = async <T>(schema: Schema<T>, path: string | undefined): Promise<T> => {
    const file = files.find((one) => one.path === path);
    if (!file) return absent(schema);
    const text =
      file.source && 'text' in file.source
        ? file.source.text
        : await smallText(fileUrl(hubUrl, repo, commit, file.path), signal);
    return text === null ? absent(schema) : parseJson(schema, file.path, text);
  };
  const unetConfig = await config(UNET, roles.unetConfig);
  const unet = files.find((file) => file.path === roles.unet);
  const graph = unet
    ? await glanceAtGraph({ url: fileUrl(hubUrl, repo, commit, unet.path), size: unet.size, unetConfig }, signal)
    : NO_GLANCE;
  return {
    repo,
    revision,
    commit,
    hubUrl,
    roles,
    files,
    dir: storeName(repo, commit),
    name: entry?.name ?? repo,
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    unetConfig,
    textConfig: await config(TEXT_ENCODER, roles.textEncoderConfig),
    graph,
  };
}

/** null where it cannot be had, or is no config by its size: the verdict is then less precise. */
async function smallText(url: string, signal: AbortSignal): Promise<string | null> {
  const enough = new AbortController();
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, enough.signal]), credentials: 'omit' });
    if (!response.ok || !response.body) return null;
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let bytes = 0;
    const reader = response.body.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      chunks.push(next.value);
      bytes += next.value.length;
      if (bytes > CONFIG_LIMIT) return null;
    }
    return await new Blob(chunks).text();
  } catch {
    signal.throwIfAborted();
    return null;
  } finally {
    enough.abort();
  }
}

/** What the repository does not have and the catalogue knows: configs as data, a tokenizer from another repository. */
async function lacking(
  entry: HubEntry,
  found: RolePaths,
  hubUrl: string,
  signal: AbortSignal,
): Promise<{ role: Role; file: ManifestFile }[]> {
  const added: { role: Role; file: ManifestFile }[] = [];
  for (const [key, value] of Object.entries(entry.configs ?? {})) {
    const role = key as Role;
    if (found[role]) continue;
    const text = JSON.stringify(value);
    added.push({
      role,
      file: { path: standardPath(role), size: new TextEncoder().encode(text).length, hash: null, source: { text } },
    });
  }
  const first = !found.tokenizer && !found.vocab;
  const second = found.textEncoder2 !== undefined && !found.tokenizer2 && !found.vocab2;
  if (entry.tokenizerFrom && (first || second)) {
    const other = await listRepo(entry.tokenizerFrom, hubUrl, signal);
    const theirs = findRoles(other.files.map((file) => file.path));
    // Both have one vocabulary; what they pad with is in the config, which the entry has.
    const wanted = [
      ...(first
        ? (['tokenizer', 'vocab', 'merges', 'tokenizerConfig'] as const).map((role) => [role, theirs[role]] as const)
        : []),
      ...(second
        ? ([
            ['tokenizer2', theirs.tokenizer],
            ['vocab2', theirs.vocab],
            ['merges2', theirs.merges],
          ] as const)
        : []),
    ];
    for (const [role, path] of wanted) {
      const file = other.files.find((one) => one.path === path);
      if (!file || added.some((one) => one.role === role)) continue;
      const source = { repo: other.repo, commit: other.commit, path: file.path };
      added.push({ role, file: { path: standardPath(role), size: file.size, hash: file.hash, source } });
    }
  }
  return added;
}
