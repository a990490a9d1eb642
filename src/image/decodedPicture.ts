// A visitor's picture, decoded by the browser and read out in bands of rows: a canvas that holds all of a large one
// would be as large again, and more than some browsers give. Upright as its EXIF says, eight bits a colour, its colours
// as they are stored, of an animation the first frame. What has too many pixels is refused by its first bytes, before
// it is decoded.

import { readPictureHead, type PictureHead } from './pictureHead';

/** Pixels: what a page can hold several times over. */
export const MOST_PIXELS = 50_000_000;
/** Of a band. */
const BAND = 4_000_000;

export interface DecodedPicture {
  readonly width: number;
  readonly height: number;
  /** null of a format that the browser reads and we do not know. */
  readonly head: PictureHead | null;
  /**
   * RGBA of some rows at a time, from the top.
   * @param onWhite whether what is transparent lies on white; else it has its alpha
   */
  readonly bands: (take: (rgba: Uint8ClampedArray, firstRow: number) => void, onWhite: boolean) => void;
  readonly close: () => void;
}

/** @throws DOMException where the browser cannot read it; RangeError, its size, where it has too many pixels */
export async function decodePicture(file: Blob): Promise<DecodedPicture> {
  const head = await readPictureHead(file);
  if (head) checkSize(head);
  const bitmap = await createImageBitmap(file, {
    imageOrientation: 'from-image',
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });
  const { width, height } = bitmap;
  try {
    checkSize(bitmap);
  } catch (error) {
    bitmap.close();
    throw error;
  }
  return {
    width,
    height,
    head,
    bands: (take, onWhite) => {
      const rows = Math.min(height, Math.max(1, Math.floor(BAND / width)));
      const context = new OffscreenCanvas(width, rows).getContext('2d', { willReadFrequently: true });
      if (!context) throw new Error('This browser gives no canvas to read the picture with.');
      context.fillStyle = '#fff';
      for (let top = 0; top < height; top += rows) {
        const own = Math.min(rows, height - top);
        context.clearRect(0, 0, width, rows);
        if (onWhite) context.fillRect(0, 0, width, rows);
        context.drawImage(bitmap, 0, top, width, own, 0, 0, width, own);
        take(context.getImageData(0, 0, width, own).data, top);
      }
    },
    close: () => bitmap.close(),
  };
}

function checkSize({ width, height }: { readonly width: number; readonly height: number }): void {
  if (width * height > MOST_PIXELS) throw new RangeError(`${width} × ${height}`);
}

/** Whether something of it can be seen through. */
export function isTransparent({ bands }: DecodedPicture): boolean {
  let found = false;
  bands((rgba) => {
    for (let at = 3; at < rgba.length && !found; at += 4) found = rgba[at]! < 255;
  }, false);
  return found;
}
