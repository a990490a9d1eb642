// Saves a picture as a PNG with its recipe in it.

import { encodePng, pngName } from '../image/png';
import { writePngText } from '../image/pngText';
import { recipeToPngTexts } from '../recipe/pngTexts';
import { download } from './saveFile';
import type { Shown } from './job';

export async function savePng({ pair, settings, recipe }: Shown): Promise<void> {
  const png = await encodePng(pair.withPag);
  const file = recipe
    ? new Blob([writePngText(new Uint8Array(await png.arrayBuffer()), recipeToPngTexts(recipe))], { type: png.type })
    : png;
  download(file, pngName(settings.prompt, settings.seed));
}
