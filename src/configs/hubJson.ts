// What a hub answers, and what the model store keeps of it. A path is one below the model's folder, or nothing.

import * as v from 'valibot';
import { list, not, table, text, whole } from './jsonFields';

/** Files of one repository. */
export const MOST_FILES = 20_000;

const path = v.pipe(
  text,
  v.check(
    (value) => value.split('/').every((part) => !['', '.', '..'].includes(part) && !part.includes('\\')),
    not('must be a path inside a folder'),
  ),
);
const bytes = whole(0, Number.MAX_SAFE_INTEGER);
const hex = v.pipe(text, v.regex(/^[0-9a-f]{40,64}$/, not('must be a hash')));

export const HUB_COMMIT = v.pipe(text, v.regex(/^[\w.-]{1,100}$/, not('must name a commit')));

export const HUB_FILE = v.object(
  {
    path,
    size: bytes,
    oid: v.nullish(hex),
    lfs: v.nullish(v.object({ oid: hex, size: bytes })),
  },
  not('must be an object'),
);

export const HUB_FILES = list(HUB_FILE, MOST_FILES);

const source = v.union([v.object({ repo: text, commit: text, path }), v.object({ text: v.string() })]);

/** `manifest.json` of a stored model. */
export const MANIFEST = v.object({
  format: v.literal(1),
  repo: text,
  revision: text,
  commit: text,
  name: text,
  hubUrl: text,
  roles: table(path, 100),
  files: list(
    v.object({
      path,
      size: bytes,
      hash: v.nullable(v.object({ kind: v.picklist(['sha256', 'git-sha1']), hex })),
      source: v.exactOptional(source),
    }),
    MOST_FILES,
  ),
  paused: v.boolean(),
});
