// Where two pictures differ: |a − b| per channel, made three times as bright so that small changes show.

import type { Pixels } from '../../protocol/messages';

const GAIN = 3;

export function difference(a: Pixels, b: Pixels): Pixels {
  const rgba = new Uint8ClampedArray(a.rgba.length);
  for (let at = 0; at < rgba.length; at += 1) {
    rgba[at] = at % 4 === 3 ? 255 : GAIN * Math.abs(a.rgba[at]! - b.rgba[at]!);
  }
  return { width: a.width, height: a.height, rgba };
}
