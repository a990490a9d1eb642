// A model folder on disk in place of a URL.

import { openAsBlob } from 'node:fs';
import type { OpenFile } from '../modelFiles';

export function folder(path: string): OpenFile {
  return (file) => openAsBlob(`${path}/${file}`);
}
