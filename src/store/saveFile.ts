// Gives files to the visitor, through the browser's download.

import { encodePng, pngName } from '../image/png';
import { writePngText } from '../image/pngText';
import { recipeToPngTexts } from '../recipe/pngTexts';
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
  const png = await encodePng(pair.withPag);
  const file = recipe
    ? new Blob([writePngText(new Uint8Array(await png.arrayBuffer()), recipeToPngTexts(recipe))], { type: png.type })
    : png;
  download(file, pngName(settings.prompt, settings.seed));
}
