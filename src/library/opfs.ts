// The model store in the origin's private file system: models/<dir>/files/… holds whole files under the paths of
// the model, models/<dir>/manifest.json says what belongs there. A file that is still being fetched has the
// suffix `.part`, so whatever has its own name is whole and was checked.

import { MANIFEST } from '../configs/hubJson';
import { readJson } from '../configs/readJson';
import { EngineError } from '../protocol/errors';
import type { RolePaths } from '../models/roles';

export interface ManifestFile {
  readonly path: string;
  readonly size: number;
  /** Lower-case hex: of the bytes (`sha256`), or git's blob id (`git-sha1`). */
  readonly hash: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string } | null;
  /** Where it comes from, if not from the model's repository under its own path. */
  readonly source?:
    | { readonly repo: string; readonly commit: string; readonly path: string }
    | { readonly text: string };
}

export interface Manifest {
  readonly format: 1;
  readonly repo: string;
  /** As it was asked for: a branch, a tag or a commit. */
  readonly revision: string;
  /** The commit that `revision` meant; all files are of it. */
  readonly commit: string;
  readonly name: string;
  readonly hubUrl: string;
  readonly roles: RolePaths;
  readonly files: readonly ManifestFile[];
  /** The visitor stopped it: not to be resumed unasked. */
  readonly paused: boolean;
}

export const PART = '.part';

/** Bytes: thousands of files. */
const MANIFEST_LIMIT = 16 * 1024 * 1024;

/** @throws DOMException where the browser has no private file system or forbids it. */
export async function modelsFolder(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle('models', { create: true });
}

/** The folder that holds `path` below `root`. @throws TypeError for a path that leaves it. */
export async function parentFolder(
  root: FileSystemDirectoryHandle,
  path: string,
  create: boolean,
): Promise<FileSystemDirectoryHandle> {
  let folder = root;
  for (const part of safeParts(path).slice(0, -1)) folder = await folder.getDirectoryHandle(part, { create });
  return folder;
}

export function safeParts(path: string): string[] {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\\')))
    throw new TypeError(`“${path}” is not a path inside a folder.`);
  return parts;
}

/** null where there is no such file. */
export async function findFile(root: FileSystemDirectoryHandle, path: string): Promise<FileSystemFileHandle | null> {
  try {
    const parent = await parentFolder(root, path, false);
    return await parent.getFileHandle(safeParts(path).at(-1) as string);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return null;
    throw error;
  }
}

/**
 * null where there is none yet: while it is written it is empty, and then whole at once.
 * @throws EngineError where it is no manifest, or DOMException of the file system.
 */
export async function readManifest(dir: FileSystemDirectoryHandle): Promise<Manifest | null> {
  const file = await (await findFile(dir, 'manifest.json'))?.getFile();
  return file && file.size > 0 ? readJson(MANIFEST, 'manifest.json', file, MANIFEST_LIMIT) : null;
}

/**
 * A fetched model, for reading.
 * @throws EngineError `model-missing` where it is not whole.
 */
export async function openStored(
  name: string,
): Promise<{ readonly roles: RolePaths; readonly open: (path: string) => Promise<File> }> {
  const missing = (detail: string) =>
    new EngineError(
      'model-missing',
      'This model is not, or not wholly, on this device. Open Model and fetch it, or choose another.',
      detail,
    );
  let files: FileSystemDirectoryHandle;
  let manifest: Manifest | null;
  try {
    const dir = await (await modelsFolder()).getDirectoryHandle(name);
    files = await dir.getDirectoryHandle('files');
    manifest = await readManifest(dir);
  } catch (error) {
    throw missing(String(error));
  }
  if (!manifest) throw missing(`${name}: no manifest`);
  return {
    roles: manifest.roles,
    open: async (path) => {
      const handle = await findFile(files, path);
      const file = await handle?.getFile();
      const expected = manifest.files.find((entry) => entry.path === path);
      if (!file || (expected && expected.size !== file.size))
        throw missing(`${name}/${path}: ${file ? `${file.size} of ${expected?.size ?? '?'} bytes` : 'no such file'}`);
      return file;
    },
  };
}
