// A folder on the visitor's disk as a model: files by path relative to the folder that holds the model, which may
// lie a few levels below the one that was picked. Nothing is read but names and small configs.

import { CONFIG_LIMIT, absent, readJson, readText, type Schema } from '../configs/readJson';
import { SCHEDULER, TEXT_ENCODER, UNET } from '../configs/schemas';
import { NO_GLANCE, type Weights } from '../models/estimate';
import { FetchError } from './fetchError';
import { sizeText } from '../models/preflight';
import { GRAPHS, findRoles, missingRoles, neededPaths } from '../models/roles';
import { heldInstead, singleFiles, TAKES } from '../models/weightFiles';
import { usualSettings } from '../models/usualSettings';
import type { UsualSettings } from '../settings/fields';
import { networkGlance, networksText, readNetworks, type ModelAt } from './networks';

/** Files by path relative to the folder. */
export interface PickedFolder {
  readonly name: string;
  readonly files: ReadonlyMap<string, File>;
}

export interface FolderModel {
  readonly name: string;
  readonly files: ReadonlyMap<string, File>;
  /** "Stable Diffusion 1.x, f16, 2.1 GB"; of ONNX its size alone. */
  readonly what: string;
  readonly weights: Weights;
  readonly usual: UsualSettings;
}

const MAX_FILES = 20_000;

/** @throws FetchError `layout`, or EngineError `model-invalid` where a config is not what its name says. */
export async function folderModel({ name, files: picked }: PickedFolder): Promise<FolderModel> {
  const root = modelRoot([...picked.keys()]);
  const files = new Map(
    [...picked].flatMap(([path, file]) => (path.startsWith(root) ? [[path.slice(root.length), file] as const] : [])),
  );
  const paths = [...files.keys()];
  const roles = findRoles(paths);
  const missing = missingRoles(roles);
  if (missing.length > 0) throw notAModel(paths, Object.keys(roles).length > 0 ? missing : []);
  const networks = await readNetworks(roles, GRAPHS, inFolder(files));
  const shards = [...networks.files.values()].flatMap((network) => network.files);
  const needed = [...new Set([...neededPaths(paths, roles), ...shards])];
  const config = async <T>(schema: Schema<T>, path: string | undefined): Promise<T> => {
    const file = path === undefined ? undefined : files.get(path);
    return path !== undefined && file ? readJson(schema, path, file) : absent(schema);
  };
  const kept = new Map(needed.map((path) => [path, files.get(path) as File]));
  const bytes = [...kept.values()].reduce((sum, file) => sum + file.size, 0);
  const weights: Weights = {
    bytes,
    paths: needed,
    unetConfig: await config(UNET, roles.unetConfig),
    graph: { ...NO_GLANCE, ...networkGlance(networks) },
  };
  const scheduler = await config(SCHEDULER, roles.scheduler);
  await config(TEXT_ENCODER, roles.textEncoderConfig); // a damaged one is said here, before the load
  return {
    name: root === '' ? name : `${name}/${root.slice(0, -1)}`,
    files: kept,
    what: networksText(networks, roles, bytes, scheduler) ?? sizeText(bytes),
    weights,
    usual: usualSettings({ scheduler, unet: weights.unetConfig }),
  };
}

/** @param missing what a folder lacks that has parts of a model; of others it is said what would be one. */
function notAModel(paths: readonly string[], missing: readonly string[]): FetchError {
  const [single] = singleFiles(paths.map((path) => ({ path })));
  const sentences =
    missing.length > 0
      ? [
          `This folder lacks ${missing.join(', ')}.`,
          heldInstead(paths),
          'Choose the folder that holds unet/ and the others.',
        ]
      : [
          'This folder holds no model.',
          single ? `Open ${single.path} in it as “Checkpoint file”.` : heldInstead(paths),
          TAKES,
        ];
  const message = sentences.filter((sentence) => sentence !== '').join(' ');
  return new FetchError('layout', message, paths.slice(0, 200).join('\n'));
}

function inFolder(files: ReadonlyMap<string, File>): ModelAt {
  const open = (path: string): Promise<File> => {
    const file = files.get(path);
    return file
      ? Promise.resolve(file)
      : Promise.reject(
          new FetchError('layout', `This folder lacks ${path}, which the model’s own list of its files names.`, path),
        );
  };
  return {
    head: async (path) => {
      const head = await open(path);
      return { head, size: head.size };
    },
    text: async (path) => readText(path, await open(path), CONFIG_LIMIT),
  };
}

/** Files below a directory handle, by path. @throws FetchError `layout` where there are absurdly many. */
export async function filesOf(folder: FileSystemDirectoryHandle): Promise<Map<string, File>> {
  const files = new Map<string, File>();
  const walk = async (directory: FileSystemDirectoryHandle, prefix: string): Promise<void> => {
    for await (const [name, handle] of directory.entries()) {
      if (name.startsWith('.')) continue;
      if (handle instanceof FileSystemDirectoryHandle) await walk(handle, `${prefix}${name}/`);
      else keep(files, prefix + name, await handle.getFile());
    }
  };
  await walk(folder, '');
  return files;
}

/** The same of what was dropped: files and folders. */
export async function filesOfEntries(entries: readonly FileSystemEntry[]): Promise<Map<string, File>> {
  const files = new Map<string, File>();
  const walk = async (entry: FileSystemEntry, prefix: string): Promise<void> => {
    if (entry.name.startsWith('.')) return;
    if (isDirectory(entry)) for (const one of await entriesOf(entry)) await walk(one, `${prefix}${entry.name}/`);
    else keep(files, prefix + entry.name, await fileOf(entry as FileSystemFileEntry));
  };
  for (const entry of entries) await walk(entry, '');
  return files;
}

export function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

export function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A reader gives a hundred at a time, and none at the end. */
export async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const next = () => new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
  const all: FileSystemEntry[] = [];
  for (let some = await next(); some.length > 0; some = await next()) all.push(...some);
  return all;
}

function keep(files: Map<string, File>, path: string, file: File): void {
  files.set(path, file);
  if (files.size > MAX_FILES)
    throw new FetchError(
      'layout',
      'This folder holds too many files to be one model. Choose the folder that holds unet/.',
      path,
    );
}

/** The shallowest folder with a UNet in it, ending in `/`, or ''. */
function modelRoot(paths: readonly string[]): string {
  const roots = paths.flatMap((path) => /^((?:.*\/)?)unet\/[^/]+\.(?:onnx|safetensors)$/.exec(path)?.[1] ?? []);
  return roots.sort((a, b) => a.length - b.length)[0] ?? '';
}
