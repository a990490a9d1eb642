// A recipe in the fragment of a link, which no server is sent: `#recipe=1.` and its JSON, deflated, as base64url. All
// its settings are in it, so that it means the same in a version with other first values.

import { deflateSync, inflateSync, strFromU8, strToU8 } from 'fflate';
import { parseRecipe, type Recipe, type Restored } from './recipe';

/** Characters of a link that chats and forums leave whole. */
export const LINK_LIMIT = 2000;

const PREFIX = '#recipe=';
const VERSION = '1';
/** Bytes of JSON: far more than fits the longest link that is made. */
const MOST = 1 << 16;

export function recipeToFragment({
  format,
  formatVersion,
  model,
  settings,
  loras,
  embeddings,
  start,
  mask,
}: Recipe): string {
  const carried = { format, formatVersion, model, settings, loras, embeddings, start, mask };
  const letters = [...deflateSync(strToU8(JSON.stringify(carried)), { level: 9 })].map((byte) =>
    String.fromCharCode(byte),
  );
  const base64 = btoa(letters.join('')).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  return `${PREFIX}${VERSION}.${base64}`;
}

/** null where the fragment is no recipe's; a sentence where it is one that cannot be read. Throws nothing. */
export function fragmentToRecipe(fragment: string): Restored | string | null {
  if (!fragment.startsWith(PREFIX)) return null;
  const [version, base64 = ''] = fragment.slice(PREFIX.length).split('.');
  if (version !== VERSION)
    return 'This link is of another version of Pagoda. Reload the page for the newest one, then open the link again.';
  try {
    const bytes = Uint8Array.from(atob(base64.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
    const json = inflateSync(bytes, { out: new Uint8Array(MOST) });
    const restored = parseRecipe(JSON.parse(strFromU8(json)));
    if (Object.keys(restored.settings).length > 0) return restored;
  } catch {
    // said below
  }
  return 'This link is damaged: a part of it is missing. Ask for it again, or for the picture’s file.';
}
