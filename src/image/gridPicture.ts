// A grid of pictures as one: a label above each column and left of each row, on white. A picture that is missing leaves
// its place empty. Pictures of many pixels are made smaller, so that the whole stays below what browsers draw.

import type { RgbaPixels } from './pixels';

/** Of the whole, along each side and in all; Safari's canvas has the least. */
const MOST_EDGE = 8192;
const MOST_PIXELS = 32_000_000;
/** Smaller pictures are enlarged by whole numbers, so that labels can be read. */
const LEAST_EDGE = 160;

export interface Grid {
  readonly columns: readonly string[];
  /** Of one row the label may be ''. */
  readonly rows: readonly string[];
  readonly picture: (column: number, row: number) => Promise<RgbaPixels | null>;
}

/** A PNG; null where there is no picture at all. */
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
  const scale = scaleOf(width, height, columns.length, rows.length);
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  const text = Math.round(Math.max(12, Math.min(28, wide / 14)));
  const gap = Math.round(text / 2);
  const [left, top] = [rows.some((label) => label !== '') ? 6 * text : gap, 2 * text];
  const canvas = new OffscreenCanvas(left + columns.length * (wide + gap), top + rows.length * (high + gap));
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser gives no canvas to draw the grid on.');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
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
    context.drawImage(bitmap, x, y, Math.round(own * scale), Math.round(tall * scale));
    bitmap.close();
  }
  return canvas.convertToBlob({ type: 'image/png' });
}

function scaleOf(width: number, height: number, columns: number, rows: number): number {
  const longest = Math.max(width, height);
  if (longest < LEAST_EDGE) return Math.ceil(LEAST_EDGE / longest);
  const [across, down] = [width * columns, height * rows];
  return Math.min(1, MOST_EDGE / across, MOST_EDGE / down, Math.sqrt(MOST_PIXELS / (across * down)));
}
