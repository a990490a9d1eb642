// From a listing of the hub to what would be fetched. Nothing large is fetched here: only small configs and the
// beginning of the UNet's file, from which the verdict is made.

import { CONFIG_LIMIT, absent, parseJson, type Schema } from '../configs/readJson';
import { SHARD_INDEX_LIMIT } from '../configs/networkConfigs';
import { SCHEDULER, TEXT_ENCODER, UNET } from '../configs/schemas';
import { shardsOf } from '../checkpoints/shards';
import { NO_GLANCE, type GraphGlance } from '../models/estimate';
import { FetchError } from './fetchError';
import { glanceAtGraph } from './graphGlance';
import { lookAtHead } from './headLook';
import { fileUrl, listRepo, type Listing } from './hub';
import type { HubEntry } from '../models/hubCatalog';
import type { Found } from './libraryMessages';
import { networkGlance, networksText, readNetworks, type Networks } from './networks';
import type { ManifestFile } from './opfs';
import { GRAPHS, findRoles, missingRoles, neededPaths, standardPath, type Role, type RolePaths } from '../models/roles';
import { singlePlan } from './singlePlan';
import { heldInstead, isShardIndex, isWeights, singleFiles, TAKES } from '../models/weightFiles';

export interface Wanted {
  readonly hubUrl: string;
  /** Its entry in the catalogue, where it has one. */
  readonly entry: HubEntry | null;
  /** The one that was chosen of a repository of several; null where none was. */
  readonly file: string | null;
  readonly signal: AbortSignal;
}

/**
 * A repository of single files with whole models in them gives a choice, where there are several.
 * @throws FetchError; `layout` where files are missing that every picture needs.
 * EngineError `model-invalid` for configs or weights that make no sense, or are of another kind of model.
 */
export async function makePlan(listing: Listing, wanted: Wanted): Promise<Found> {
  const { repo, revision, commit, licence } = listing;
  const { hubUrl, entry, signal } = wanted;
  const paths = listing.files.map((file) => file.path);
  const found = findRoles(paths, entry?.roles);
  const added = entry ? await lacking(entry, found, hubUrl, signal) : [];
  const roles = { ...found, ...Object.fromEntries(added.map(({ role, file }) => [role, file.path])) };
  const missing = missingRoles(roles);
  const singles = singleFiles(listing.files);
  const offered = missing.length > 0 ? [...singles, ...unetAlone(listing.files, roles)] : [];
  const chosen = wanted.file ?? (offered.length === 1 ? offered[0]!.path : null);
  if (chosen !== null) return singlePlan(listing, chosen, hubUrl, signal);
  if (offered.length > 1) return { repo, revision, choices: offered };
  if (missing.length > 0) throw notAModel(repo, paths, roles, missing);
  const text = async (path: string, limit = CONFIG_LIMIT) => {
    const source = added.find(({ file }) => file.path === path)?.file.source;
    return source && 'text' in source ? source.text : smallText(fileUrl(hubUrl, repo, commit, path), signal, limit);
  };
  const needed = new Set([...neededPaths(paths, found), ...(await shardsIn(found, paths, text))]);
  const files = [...listing.files.filter((file) => needed.has(file.path)), ...added.map(({ file }) => file)];
  const config = async <T>(schema: Schema<T>, path: string | undefined): Promise<T> => {
    const json = path !== undefined && files.some((one) => one.path === path) ? await text(path) : null;
    return path === undefined || json === null ? absent(schema) : parseJson(schema, path, json);
  };
  const unetConfig = await config(UNET, roles.unetConfig);
  const unet = files.find((file) => file.path === roles.unet);
  const sizes = new Map(listing.files.map(({ path, size }) => [path, size]));
  const look = async (path: string) => {
    if (isShardIndex(path)) {
      const head = new Blob([(await text(path, SHARD_INDEX_LIMIT)) ?? '']);
      return { head, size: head.size };
    }
    const head = await lookAtHead({ url: fileUrl(hubUrl, repo, commit, path), size: sizes.get(path) ?? 0 }, signal);
    if (!head) throw new NoLook();
    return head;
  };
  const networks =
    unet && isWeights(unet.path) ? await readNetworks(roles, ['unet'], { head: look, text }).catch(unlessNoLook) : null;
  const graph: GraphGlance = networks
    ? { ...NO_GLANCE, ...networkGlance(networks) }
    : unet && !isWeights(unet.path)
      ? await glanceAtGraph({ url: fileUrl(hubUrl, repo, commit, unet.path), size: unet.size, unetConfig }, signal)
      : NO_GLANCE;
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  await config(TEXT_ENCODER, roles.textEncoderConfig); // a damaged one is said here, before the download
  return {
    repo,
    revision,
    commit,
    hubUrl,
    roles,
    files,
    dir: storeName(repo, commit),
    name: entry?.name ?? repo,
    bytes,
    unetConfig,
    graph,
    what: networks && networksText(networks, roles, null, await config(SCHEDULER, roles.scheduler)),
    licence,
  };
}

/** The UNet's file, where it is the only network and not in several files. */
function unetAlone(files: Listing['files'], roles: RolePaths): Listing['files'] {
  const { unet } = roles;
  if (unet === undefined || !isWeights(unet) || isShardIndex(unet)) return [];
  return (roles.textEncoder ?? roles.vaeDecoder) ? [] : files.filter(({ path }) => path === unet);
}

export function storeName(repo: string, commit: string): string {
  return `${repo.replace('/', '--')}@${commit.slice(0, 12)}`;
}

/** The files that the indices of networks in several files name. */
async function shardsIn(
  roles: RolePaths,
  paths: readonly string[],
  text: (path: string, limit: number) => Promise<string | null>,
): Promise<string[]> {
  const shards: string[] = [];
  for (const role of GRAPHS) {
    const index = roles[role];
    if (index === undefined || !isShardIndex(index)) continue;
    const json = await text(index, SHARD_INDEX_LIMIT);
    if (json === null) throw new FetchError('server', `The hub did not give ${index}. Try again in a minute.`, index);
    const folder = index.slice(0, index.lastIndexOf('/') + 1);
    shards.push(...shardsOf(index, json).map((file) => folder + file));
  }
  const absentFile = shards.find((path) => !paths.includes(path));
  if (absentFile === undefined) return shards;
  throw new FetchError('layout', `This repository lacks ${absentFile}, which its own index names.`, absentFile);
}

/** The beginning of a file could not be had: less is known of the model. */
class NoLook extends Error {}

function unlessNoLook(error: unknown): Networks | null {
  if (error instanceof NoLook) return null;
  throw error;
}

function notAModel(repo: string, paths: readonly string[], roles: RolePaths, missing: readonly string[]): FetchError {
  const part = GRAPHS.some((role) => roles[role]);
  const held = heldInstead(paths);
  const shards = isShardIndex(roles.unet ?? '') && !roles.textEncoder && !roles.vaeDecoder;
  const why = [
    ...(shards ? ['It holds a UNet alone in several files, of which Pagoda takes those in one.'] : []),
    ...(part ? [`It lacks ${missing.join(', ')}.`] : []),
    ...(held ? [held] : []),
    ...(part || held ? [] : ['It holds neither .safetensors nor ONNX files of one.']),
    ...(part ? [] : [TAKES]),
  ];
  return new FetchError(
    'layout',
    `${repo} is not a Stable Diffusion model that Pagoda can run. ${why.join(' ')}`,
    paths.slice(0, 200).join('\n'),
  );
}

/** null where it cannot be had, or is no config by its size: the verdict is then less precise. */
async function smallText(url: string, signal: AbortSignal, limit: number): Promise<string | null> {
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
      if (bytes > limit) return null;
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
