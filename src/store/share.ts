// What is shared of a finished pair: a link with its recipe, the picture on the clipboard, the pair as one picture, and
// what the system's own sheet of apps is given.

import { pairPicture } from '../image/pairPicture';
import { pictureName } from '../image/png';
import { LINK_LIMIT, recipeToFragment } from '../recipe/link';
import type { Recipe } from '../recipe/recipe';
import type { Shown } from './job';
import { download, pngWithRecipe, withRecipe } from './saveFile';

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

export async function savePairPicture(shown: Finished): Promise<void> {
  download(await pairPng(shown), `${nameOf(shown)}-pair.png`);
}

/** Whether there is a sheet that takes links. */
export function canShare(): boolean {
  return 'share' in navigator;
}

/** With the pair as a picture where the system takes files. @throws DOMException, AbortError where it is closed */
export async function share(shown: Finished, link: string | null): Promise<void> {
  const file = new File([await pairPng(shown)], `${nameOf(shown)}.png`, { type: 'image/png' });
  const words = { title: 'Pagoda', text: shown.settings.prompt, ...(link !== null && { url: link }) };
  const withFile = { ...words, files: [file] };
  await navigator.share(navigator.canShare(withFile) ? withFile : words);
}

/** Each image of several has a seed of its own. */
function nameOf({ recipe: { settings } }: Finished): string {
  return pictureName(settings.prompt, settings.seed);
}

async function pairPng({ pair: { withPag, withoutPag }, recipe }: Finished): Promise<Blob> {
  const { pagScale, prompt } = recipe.settings;
  const pictures = [
    ...(withoutPag ? [{ pixels: withoutPag, caption: 'Without PAG' }] : []),
    { pixels: withPag, caption: pagScale > 0 ? `PAG ${pagScale}` : 'Without PAG' },
  ];
  return withRecipe(await pairPicture(pictures, prompt.trim() || 'Pagoda'), recipe);
}
