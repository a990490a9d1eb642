// What is shared of a finished pair: a link with its recipe, the picture on the clipboard, the pair as one picture, and
// what the system's own sheet of apps is given.

import { NotDrawn } from '../image/drawing';
import { pairPicture, type DrawnPair } from '../image/pairPicture';
import { pictureName } from '../image/png';
import { LINK_LIMIT, recipeToFragment } from '../recipe/link';
import type { Recipe } from '../recipe/recipe';
import type { Shown } from './job';
import { download, pngWithRecipe, withRecipe } from './saveFile';

export { NotDrawn };

/** A finished pair. */
export type Finished = Shown & { readonly recipe: Recipe };

/** null where it would be longer than chats leave whole. */
export function recipeLink(recipe: Recipe): string | null {
  const link = `${location.origin}${location.pathname}${recipeToFragment(recipe)}`;
  return link.length > LINK_LIMIT ? null : link;
}

export function canCopyPicture(): boolean {
  return typeof ClipboardItem !== 'undefined' && 'clipboard' in navigator;
}

/** @throws DOMException where the browser forbids it */
export async function copyPicture({ pair, recipe }: Finished): Promise<void> {
  // A promise of it: some browsers want to be asked within the click.
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': pngWithRecipe(pair.withPag, recipe) })]);
}

/** @returns what is to be said of it. @throws NotDrawn */
export async function savePairPicture(shown: Finished): Promise<string> {
  const { png, size } = await pairPng(shown);
  download(png, `${nameOf(shown)}-pair.png`);
  const { width, height } = shown.pair.withPag;
  if (size.width >= width) return 'Saved.';
  const [made, own] = [`${size.width} × ${size.height}`, `${width} × ${height}`];
  return `Saved, at ${made} a picture, since browsers draw no more at once; Save PNG has all ${own} pixels.`;
}

/** Whether there is a sheet that takes links. */
export function canShare(): boolean {
  return 'share' in navigator;
}

/** With the pair as a picture where the system takes files. @throws DOMException, AbortError where it is closed */
export async function share(shown: Finished, link: string | null): Promise<void> {
  const file = new File([(await pairPng(shown)).png], `${nameOf(shown)}.png`, { type: 'image/png' });
  const words = { title: 'Pagoda', text: shown.settings.prompt, ...(link !== null && { url: link }) };
  const withFile = { ...words, files: [file] };
  await navigator.share(navigator.canShare(withFile) ? withFile : words);
}

/** Each image of several has a seed of its own. */
function nameOf({ recipe: { settings } }: Finished): string {
  return pictureName(settings.prompt, settings.seed);
}

async function pairPng({ pair: { withPag, withoutPag }, recipe }: Finished): Promise<DrawnPair> {
  const { pagScale, prompt } = recipe.settings;
  const pictures = [
    ...(withoutPag ? [{ pixels: withoutPag, caption: 'Without PAG' }] : []),
    { pixels: withPag, caption: pagScale > 0 ? `PAG ${pagScale}` : 'Without PAG' },
  ];
  const { png, size } = await pairPicture(pictures, prompt.trim() || 'Pagoda');
  return { png: await withRecipe(png, recipe), size };
}
