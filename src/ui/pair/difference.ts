// Where two pictures differ: |a − b| per channel, made three times as bright so that small changes show.

import type { Pixels } from '../../protocol/pictureData';

const GAIN = 3;

/** In the size of the larger: the other is a preview then, each of whose pixels stands for several. */
export function difference(a: Pixels, b: Pixels): Pixels {
  if (a.width < b.width) return difference(b, a);
  const { width, height } = a;
  const rgba = new Uint8ClampedArray(a.rgba.length);
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor((y * b.height) / height) * b.width;
    for (let x = 0; x < width; x += 1) {
      const [at, other] = [4 * (y * width + x), 4 * (row + Math.floor((x * b.width) / width))];
      for (let colour = 0; colour < 3; colour += 1)
        rgba[at + colour] = GAIN * Math.abs(a.rgba[at + colour]! - b.rgba[other + colour]!);
      rgba[at + 3] = 255;
    }
  }
  return { width, height, rgba };
}
