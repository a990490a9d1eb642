// Gives files to the visitor, through the browser's download.

import { zipFiles } from '../history/zip';
import { encodePng, pictureName } from '../image/png';
import type { RgbaPixels } from '../image/pixels';
import { writePngText } from '../image/pngText';
import { recipeToPngTexts } from '../recipe/pngTexts';
import type { Recipe } from '../recipe/recipe';
import type { Shown } from './job';
import { eachImage } from './shownImages';

export function download(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has its own hold on the data after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A picture as a PNG with its recipe in it. */
export async function savePng(shown: Shown): Promise<void> {
  download(await pngOf(shown), `${nameOf(shown)}.png`);
}

/** All images of a run of several that are finished, as one zip file of such PNGs. */
export async function saveImages(shown: Shown): Promise<void> {
  const made = Date.now();
  const finished = eachImage(shown).filter(({ stats }) => stats !== null);
  const files = finished.map((one) => ({ name: `${nameOf(one)}.png`, made, read: () => pngOf(one) }));
  download(await zipFiles(files), `${nameOf(shown)}.zip`);
}

/** An image of a run of several has a seed of its own. */
function nameOf({ settings, recipe }: Shown): string {
  return pictureName(settings.prompt, recipe?.settings.seed ?? settings.seed);
}

async function pngOf({ pair, recipe }: Shown): Promise<Blob> {
  return recipe ? pngWithRecipe(pair.withPag, recipe) : encodePng(pair.withPag);
}

export async function pngWithRecipe(pixels: RgbaPixels, recipe: Recipe): Promise<Blob> {
  return withRecipe(await encodePng(pixels), recipe);
}

/** @param more fields at the end of the infotext */
export async function withRecipe(png: Blob, recipe: Recipe, more = ''): Promise<Blob> {
  const texts = recipeToPngTexts(recipe);
  const all = more === '' ? texts : { ...texts, parameters: `${texts['parameters']}, ${more}` };
  return new Blob([writePngText(new Uint8Array(await png.arrayBuffer()), all)], { type: png.type });
}
