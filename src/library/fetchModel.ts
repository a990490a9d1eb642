// All files of a model, several at once, into the model store. Files that are whole already are left alone.

import { download, type DownloadOptions } from './download';
import { fileUrl } from './hub';
import { PART, findFile, type Manifest, type ManifestFile } from './opfs';
import { openSink } from './opfsSink';

/** Files at once: enough to fill a line, few enough for a server's patience. */
const LANES = 3;
const SMALL = 1024 * 1024;

export interface ModelProgress {
  /** Bytes of file `path` that are there, and how many of them have just come. */
  onBytes(path: string, bytes: number, arrived: number): void;
}

/** Bytes that are there, by path; a whole file has its size. */
export async function storedBytes(files: FileSystemDirectoryHandle, manifest: Manifest): Promise<Map<string, number>> {
  const bytes = new Map<string, number>();
  for (const { path } of manifest.files) {
    const handle = (await findFile(files, path)) ?? (await findFile(files, path + PART));
    bytes.set(path, handle ? (await handle.getFile()).size : 0);
  }
  return bytes;
}

/** Whether every file has its own name and size. */
export async function isWhole(files: FileSystemDirectoryHandle, manifest: Manifest): Promise<boolean> {
  for (const { path, size } of manifest.files) {
    const handle = await findFile(files, path);
    if (!handle || (await handle.getFile()).size !== size) return false;
  }
  return true;
}

/** @throws FetchError, AbortError, or DOMException of the file system; the first error stops all lanes. */
export async function fetchModel(
  files: FileSystemDirectoryHandle,
  manifest: Manifest,
  progress: ModelProgress,
  options: Omit<DownloadOptions, 'onBytes'>,
): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const queue = inOrder(manifest.files);
  const lane = async (): Promise<void> => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const { path, size } = file;
      const whole = await findFile(files, path);
      if (whole && (await whole.getFile()).size === size) continue;
      const sink = await openSink(files, path);
      try {
        const { source } = file;
        if (source && 'text' in source) {
          sink.truncate(0);
          sink.write(new TextEncoder().encode(source.text), 0);
        } else {
          const { repo, commit, path: from } = source ?? { ...manifest, path };
          const url = fileUrl(manifest.hubUrl, repo, commit, from);
          await download(url, file, sink, {
            ...options,
            signal,
            onBytes: (bytes, arrived) => progress.onBytes(path, bytes, arrived),
          });
        }
        await sink.finish();
      } finally {
        sink.close();
      }
    }
  };
  let first: unknown = null;
  const guarded = async (): Promise<void> => {
    try {
      await lane();
    } catch (error) {
      if (!stop.signal.aborted) first = error;
      stop.abort();
    }
  };
  await Promise.all(Array.from({ length: LANES }, guarded));
  if (stop.signal.aborted) throw first;
}

/** Small ones first, so that what is wrong with a model shows early; then the largest. */
function inOrder(files: readonly ManifestFile[]): ManifestFile[] {
  const small = files.filter((file) => file.size < SMALL);
  return [...small, ...files.filter((file) => file.size >= SMALL).sort((a, b) => b.size - a.size)];
}
