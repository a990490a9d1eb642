// Saves a picture through the browser's download.

import { encodePng, pngName } from '../image/png';
import type { Shown } from './job';

export async function savePng({ pair, settings }: Shown): Promise<void> {
  const url = URL.createObjectURL(await encodePng(pair.withPag));
  const link = document.createElement('a');
  link.href = url;
  link.download = pngName(settings.prompt, settings.seed);
  link.click();
  // The download has its own hold on the data after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
