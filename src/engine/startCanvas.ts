// A start image at the size of a run, with its mask if it has one, and what is made of it put back. Of a whole picture
// image and mask come to the run's size alike; of its masked part a box around the mask does, and what was made there
// is brought to the box and pasted: the picture has the start image's size then. Where the rest is kept, the image
// lies over what was made as much as the feathered mask is not there (diffusers' `apply_overlay`).

import { cropMask, cropPicture, fitMask, fitPicture, sizeOf } from '../image/fitPicture';
import { blurMask } from '../image/maskBlur';
import { boxAround, maskBounds } from '../image/maskBox';
import { laidOver, opaque, pasted } from '../image/overlay';
import { inPart, smaller, type PartPicture } from '../image/partPicture';
import type { GrayPixels, RgbPixels } from '../image/resample';
import { withoutAlpha } from '../image/startPicture';
import { EngineError } from '../protocol/errors';
import type { PicturePart, Pixels, Size, StartImage } from '../protocol/pictureData';
import type { Settings } from '../settings/fields';

export interface StartCanvas {
  /** Of the run's size. */
  readonly picture: RgbPixels;
  /** The same; 255 is made anew. */
  readonly mask: GrayPixels | null;
  /** Of the finished picture. */
  readonly size: Size;
  /** The finished picture. @param made of the run's size. */
  finished(made: Pixels, keepRest: boolean): Pixels;
  /** Where of the finished picture that is which is made; null where all of it is. */
  readonly part: PicturePart | null;
  /** A preview of few pixels, in its place. */
  shown(preview: Pixels): Pixels;
}

/** What tells the start image at a run's size from another, and with it its mask. */
export function pictureKey(image: StartImage, { startFit, ...settings }: Settings, { width, height }: Size): string {
  const part = image.mask && settings.maskArea === 'masked' && maskKey(image, settings);
  return JSON.stringify([image.hash, part ?? startFit, width, height]);
}

export function canvasKey(image: StartImage, settings: Settings, size: Size): string {
  return JSON.stringify([pictureKey(image, settings, size), maskKey(image, settings)]);
}

function maskKey({ mask }: StartImage, settings: Pick<Settings, 'maskFeather' | 'maskPadding'>) {
  return mask && [mask.hash, settings.maskFeather, settings.maskPadding];
}

/** The last canvas is kept: a run that differs in nothing of it makes none. */
export class StartCanvases {
  private last: { readonly key: string; readonly canvas: StartCanvas } | null = null;

  /** @throws EngineError `start-impossible` where the mask says nothing. */
  async of(image: StartImage, settings: Settings, size: Size): Promise<StartCanvas> {
    const key = canvasKey(image, settings, size);
    if (this.last?.key !== key) this.last = { key, canvas: await canvasOf(image, settings, size) };
    return this.last.canvas;
  }
}

async function canvasOf(image: StartImage, settings: Settings, size: Size): Promise<StartCanvas> {
  const { width, height } = size;
  const own = { width: image.width, height: image.height, rgb: new Uint8Array(await image.rgb.arrayBuffer()) };
  const mask = image.mask && blurMask(await maskOf(image, image.mask.gray), settings.maskFeather);
  if (!mask || settings.maskArea === 'whole') {
    const picture = fitPicture(own, width, height, settings.startFit);
    const fitted = mask ? fitMask(mask, width, height, settings.startFit) : null;
    return {
      picture,
      mask: fitted,
      size,
      part: null,
      finished: (made, keepRest) => (keepRest && fitted ? opaque(laidOver(rgbOf(made), picture, fitted)) : made),
      shown: (preview) => preview,
    };
  }
  const bounds = maskBounds(mask);
  if (!bounds) throw nothingMasked();
  const box = boxAround(bounds, own, size, settings.maskPadding);
  const inBox = sizeOf(box);
  let small: (PartPicture & { readonly wide: number }) | null = null;
  return {
    picture: fitPicture(cropPicture(own, box), width, height, 'fit'),
    mask: fitMask(cropMask(mask, box), width, height, 'fit'),
    size: { width: own.width, height: own.height },
    part: {
      left: box.left / own.width,
      top: box.top / own.height,
      right: box.right / own.width,
      bottom: box.bottom / own.height,
    },
    finished: (made, keepRest) => {
      const whole = pasted(own, fitPicture(rgbOf(made), inBox.width, inBox.height, 'crop'), box);
      return opaque(keepRest ? laidOver(whole, own, mask) : whole);
    },
    shown: (preview) => {
      if (small?.wide !== preview.width) small = { wide: preview.width, ...smaller(own, box, preview.width) };
      return inPart(small, preview);
    },
  };
}

/** @throws EngineError `start-impossible`. */
async function maskOf({ width, height }: StartImage, blob: Blob): Promise<GrayPixels> {
  const gray = new Uint8Array(await blob.arrayBuffer());
  if (gray.length !== width * height)
    throw new EngineError(
      'start-impossible',
      `The mask is not of the start image’s size, ${width} × ${height}. Paint it again, or choose one of that size.`,
      `${gray.length} bytes`,
    );
  if (gray.every((level) => level === 0)) throw nothingMasked();
  return { width, height, gray };
}

export function nothingMasked(): EngineError {
  return new EngineError(
    'start-impossible',
    'The mask is empty: nothing would be made anew. Paint over what is to change, or remove the mask.',
  );
}

function rgbOf({ width, height, rgba }: Pixels): RgbPixels {
  return { width, height, rgb: withoutAlpha(rgba) };
}
