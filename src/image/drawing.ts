// Canvases that pictures are drawn on to be saved, no larger than every browser gives: one that is too large draws
// nothing, and says nothing either.

/** Of a canvas in pixels. In all iOS Safari gives no more, Firefox 11180², Chromium 16384². Edges reach further. */
const MOST_PIXELS = 4096 ** 2;
const MOST_EDGE = 8192;
/** Of a picture's edges: smaller ones show nothing. */
const LEAST_SCALE = 1 / 64;

/** With a sentence for people, that says what can be done. */
export class NotDrawn extends Error {}

/**
 * The largest scale up to `first` at which the canvas fits, or nearly so.
 * @param sizeAt of the canvas, which need not grow as the scale does: it has words too
 * @throws NotDrawn
 */
export function fittingScale(
  first: number,
  sizeAt: (scale: number) => { readonly width: number; readonly height: number },
): number {
  let scale = first;
  while (scale >= LEAST_SCALE) {
    const { width, height } = sizeAt(scale);
    const room = Math.min(MOST_EDGE / width, MOST_EDGE / height, Math.sqrt(MOST_PIXELS / (width * height)));
    if (room >= 1) return scale;
    scale *= Math.min(room, 0.99);
  }
  throw new NotDrawn('These are too many for one picture that browsers can draw: save them by themselves.');
}

/** White. @throws NotDrawn */
export function whiteCanvas(
  width: number,
  height: number,
): { readonly canvas: OffscreenCanvas; readonly context: OffscreenCanvasRenderingContext2D } {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw notDrawn(canvas);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  return { canvas, context };
}

/** @throws NotDrawn where the browser has no picture of it */
export async function canvasPng(canvas: OffscreenCanvas): Promise<Blob> {
  const png = await canvas.convertToBlob({ type: 'image/png' }).catch(() => null);
  if (!png || png.size === 0) throw notDrawn(canvas);
  return png;
}

function notDrawn({ width, height }: OffscreenCanvas): NotDrawn {
  return new NotDrawn(
    `This browser could not draw a picture of ${width} × ${height} pixels. Close other tabs and try again, or save ` +
      'each picture by itself.',
  );
}
