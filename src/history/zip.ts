// Pictures as one zip file. PNGs are compressed already, so their bytes go in as they are, one picture after the other.

import { Zip, ZipPassThrough } from 'fflate';

export interface ZippedFile {
  readonly name: string;
  readonly made: number;
  readonly read: () => Promise<Blob | null>;
}

/** Those that are gone meanwhile are left out. @throws DOMException of the browser's storage */
export async function zipFiles(files: readonly ZippedFile[]): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const zip = new Zip((error, part) => {
    if (error) throw error;
    parts.push(part);
  });
  for (const { name, made, read } of files) {
    const blob = await read();
    if (!blob) continue;
    const file = new ZipPassThrough(name);
    file.mtime = made;
    zip.add(file);
    file.push(new Uint8Array(await blob.arrayBuffer()), true);
  }
  zip.end();
  return new Blob(parts, { type: 'application/zip' });
}
