// The two hashes that the hub publishes, computed while bytes come: SHA-256 of large files (Git LFS), and git's
// blob id of small ones, SHA-1 over "blob <size>\0" and the bytes.

import { createSHA1, createSHA256 } from 'hash-wasm';
import type { ManifestFile } from './opfs';

export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Lower-case hex; the hasher is spent. */
  digest(): string;
}

export async function startHash(kind: NonNullable<ManifestFile['hash']>['kind'], size: number): Promise<Hasher> {
  const hasher = kind === 'sha256' ? await createSHA256() : await createSHA1();
  hasher.init();
  if (kind === 'git-sha1') hasher.update(new TextEncoder().encode(`blob ${size}\0`));
  return { update: (bytes) => void hasher.update(bytes), digest: () => hasher.digest() };
}
