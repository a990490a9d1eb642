// A grid of pictures as one: a label above each column and left of each row, on white. A picture that is missing leaves
// its place empty. Pictures of many pixels are made smaller, so that the whole stays below what browsers draw
// (./drawing).

import { canvasPng, fittingScale, whiteCanvas } from './drawing';
import type { RgbaPixels } from './pixels';

/** Smaller pictures are enlarged by whole numbers, so that labels can be read. */
const LEAST_EDGE = 160;

export interface Grid {
  readonly columns: readonly string[];
  /** Of one row the label may be ''. */
  readonly rows: readonly string[];
  readonly picture: (column: number, row: number) => Promise<RgbaPixels | null>;
}

/** A PNG; null where there is no picture at all. @throws NotDrawn */
export async function gridPicture({ columns, rows, picture }: Grid): Promise<Blob | null> {
  const pictures = new Map<string, RgbaPixels>();
  for (const row of rows.keys())
    for (const column of columns.keys()) {
      const one = await picture(column, row);
      if (one) pictures.set(`${column},${row}`, one);
    }
  const all = [...pictures.values()];
  if (all.length === 0) return null;
  const [width, height] = [Math.max(...all.map((one) => one.width)), Math.max(...all.map((one) => one.height))];
  const longest = Math.max(width, height);
  const first = longest < LEAST_EDGE ? Math.ceil(LEAST_EDGE / longest) : 1;
  const isLabelled = rows.some((label) => label !== '');
  const layoutAt = (by: number) => {
    const [wide, high] = [Math.max(1, Math.round(width * by)), Math.max(1, Math.round(height * by))];
    const text = Math.round(Math.max(12, Math.min(28, wide / 14)));
    const gap = Math.round(text / 2);
    const [left, top] = [isLabelled ? 6 * text : gap, 2 * text];
    const whole = { width: left + columns.length * (wide + gap), height: top + rows.length * (high + gap) };
    return { wide, high, text, gap, left, top, ...whole };
  };
  const scale = fittingScale(first, layoutAt);
  const { wide, high, text, gap, left, top, ...whole } = layoutAt(scale);
  const { canvas, context } = whiteCanvas(whole.width, whole.height);
  context.imageSmoothingEnabled = scale < 1;
  context.imageSmoothingQuality = 'high';
  context.fillStyle = '#1c1b19';
  context.font = `600 ${text}px system-ui, sans-serif`;
  context.textBaseline = 'middle';
  context.textAlign = 'center';
  for (const [column, label] of columns.entries())
    context.fillText(label, left + column * (wide + gap) + wide / 2, top / 2, wide);
  for (const [row, label] of rows.entries())
    context.fillText(label, left / 2, top + row * (high + gap) + high / 2, left - gap);
  for (const [place, { width: own, height: tall, rgba }] of pictures) {
    const [column = 0, row = 0] = place.split(',').map(Number);
    const bitmap = await createImageBitmap(new ImageData(rgba, own, tall));
    const [x, y] = [left + column * (wide + gap), top + row * (high + gap)];
    context.drawImage(bitmap, x, y, Math.max(1, Math.floor(own * scale)), Math.max(1, Math.floor(tall * scale)));
    bitmap.close();
  }
  return canvasPng(canvas);
}
