// A picture and a box in it, in few pixels: what is made of the box alone is shown in its place.

import { fitPicture, sizeOf } from './fitPicture';
import { opaque, pasted } from './overlay';
import type { RgbaPixels } from './pixels';
import type { Box, RgbPixels } from './resample';
import { withoutAlpha } from './startPicture';

/** Pixels of a preview: what is smoothed to its size anyway. */
const MOST_SHOWN = 1_000_000;

export interface PartPicture {
  readonly picture: RgbPixels;
  readonly box: Box;
}

/** In so few pixels that the box has `wide` across, or fewer. */
export function smaller(own: RgbPixels, box: Box, wide: number): PartPicture {
  const factor = Math.min(1, wide / (box.right - box.left), Math.sqrt(MOST_SHOWN / (own.width * own.height)));
  const scaled = (edge: number) => Math.max(1, Math.round(edge * factor));
  const [width, height] = [scaled(own.width), scaled(own.height)];
  const [left, top] = [Math.round(box.left * factor), Math.round(box.top * factor)];
  const place = { left: Math.min(left, width - 1), top: Math.min(top, height - 1) };
  return {
    picture: fitPicture(own, width, height, 'stretch'),
    box: {
      ...place,
      right: Math.min(width, Math.max(place.left + 1, Math.round(box.right * factor))),
      bottom: Math.min(height, Math.max(place.top + 1, Math.round(box.bottom * factor))),
    },
  };
}

/** Another picture in the place of the box. */
export function inPart({ picture, box }: PartPicture, { rgba, ...size }: RgbaPixels): RgbaPixels {
  const { width, height } = sizeOf(box);
  const made = fitPicture({ ...size, rgb: withoutAlpha(rgba) }, width, height, 'stretch');
  return opaque(pasted(picture, made, box));
}
