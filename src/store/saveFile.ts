// Gives files to the visitor, through the browser's download.

import { encodePng, pngName } from '../image/png';
import type { RgbaPixels } from '../image/pixels';
import { writePngText } from '../image/pngText';
import { recipeToPngTexts } from '../recipe/pngTexts';
import type { Recipe } from '../recipe/recipe';
import type { Shown } from './job';

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
export async function savePng({ pair, settings, recipe }: Shown): Promise<void> {
  const file = recipe ? await pngWithRecipe(pair.withPag, recipe) : await encodePng(pair.withPag);
  download(file, pngName(settings.prompt, settings.seed));
}

export async function pngWithRecipe(pixels: RgbaPixels, recipe: Recipe): Promise<Blob> {
  return withRecipe(await encodePng(pixels), recipe);
}

export async function withRecipe(png: Blob, recipe: Recipe): Promise<Blob> {
  return new Blob([writePngText(new Uint8Array(await png.arrayBuffer()), recipeToPngTexts(recipe))], {
    type: png.type,
  });
}
