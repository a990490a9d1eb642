// A file of the model store, open for writing by this worker alone.

import { PART, parentFolder, safeParts } from './opfs';
import type { Sink } from './download';

/** `move` is in all browsers that have access handles; TypeScript does not list it. */
type Movable = FileSystemFileHandle & { move(name: string): Promise<void> };

export interface OpfsSink extends Sink {
  close(): void;
  /** Takes the suffix `.part` away. */
  finish(): Promise<void>;
}

/** @throws DOMException `NoModificationAllowedError` where somebody else has it open. */
export async function openSink(files: FileSystemDirectoryHandle, path: string): Promise<OpfsSink> {
  const parent = await parentFolder(files, path, true);
  const name = safeParts(path).at(-1) as string;
  const handle = await parent.getFileHandle(name + PART, { create: true });
  const access = await handle.createSyncAccessHandle();
  return {
    size: () => access.getSize(),
    read: (into, at) => access.read(into, { at }),
    write: (bytes, at) => {
      const written = access.write(bytes, { at });
      if (written < bytes.length)
        throw new DOMException(`${written} of ${bytes.length} bytes were written.`, 'QuotaExceededError');
    },
    truncate: (size) => access.truncate(size),
    flush: () => access.flush(),
    close: () => access.close(),
    finish: async () => {
      access.close();
      await (handle as Movable).move(name);
    },
  };
}
