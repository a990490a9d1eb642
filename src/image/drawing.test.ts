// Pictures of many pixels are drawn within what every browser's canvas holds, and a canvas that gives nothing is said.
// The canvas here counts what is drawn on it; that browsers draw what is asked for is tried in the page.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NotDrawn, fittingScale } from './drawing';
import { gridPicture } from './gridPicture';
import { pairPicture } from './pairPicture';

const MOST = { pixels: 4096 ** 2, edge: 8192 };
let canvases: FakeCanvas[] = [];
let gives: () => Promise<Blob>;

class FakeCanvas {
  readonly drawn: number[][] = [];

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    canvases.push(this);
  }

  getContext() {
    const drawImage = (_: unknown, ...box: number[]) => this.drawn.push(box);
    return { drawImage, fillRect: () => {}, fillText: () => {}, measureText: () => ({ width: 0 }) };
  }

  convertToBlob() {
    return gives();
  }
}

beforeEach(() => {
  canvases = [];
  gives = () => Promise.resolve(new Blob(['png']));
  vi.stubGlobal('OffscreenCanvas', FakeCanvas);
  vi.stubGlobal(
    'ImageData',
    class {
      readonly width = 1;
    },
  );
  vi.stubGlobal('createImageBitmap', () => Promise.resolve({ close: () => {} }));
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const pixels = (width: number, height: number) => ({ width, height, rgba: new Uint8ClampedArray() });
const pairOf = (width: number, height: number) =>
  pairPicture(
    [0, 1].map(() => ({ pixels: pixels(width, height), caption: 'c' })),
    'words',
  );

function expectInside(canvas: FakeCanvas, pictures: number): void {
  expect(canvas.width * canvas.height).toBeLessThanOrEqual(MOST.pixels);
  expect(Math.max(canvas.width, canvas.height)).toBeLessThanOrEqual(MOST.edge);
  expect(canvas.drawn).toHaveLength(pictures);
  for (const [x, y, width, height] of canvas.drawn as [number, number, number, number][]) {
    expect(Math.min(x, y, width - 1, height - 1)).toBeGreaterThanOrEqual(0);
    expect([x + width <= canvas.width, y + height <= canvas.height]).toEqual([true, true]);
  }
}

test.each([
  ['square', 4096, 4096],
  ['of fifty million pixels', 8000, 6250],
  ['wide', 4096, 512],
  ['tall', 512, 16_384],
  ['wide, and longer than an edge', 16_384, 512],
])('a pair that is %s is made smaller as it stands, and it is told', async (_name, width, height) => {
  const { size } = await pairOf(width, height);
  const [canvas] = canvases as [FakeCanvas];
  expectInside(canvas, 2);
  const [, , wide, high] = canvas.drawn[0]! as [number, number, number, number];
  expect(wide / high / (width / height)).toBeCloseTo(1, 1);
  expect(size).toEqual({ width: wide, height: high });
  // Nearly as large as there is room.
  const room = Math.min(
    MOST.pixels / (canvas.width * canvas.height),
    MOST.edge / Math.max(canvas.width, canvas.height),
  );
  expect(room * Number(wide < width)).toBeLessThan(1.1);
});

test('a pair that fits has its own pixels, a small one whole multiples', async () => {
  expect([(await pairOf(1024, 1024)).size, (await pairOf(2048, 2048)).size, (await pairOf(128, 64)).size]).toEqual([
    { width: 1024, height: 1024 },
    { width: 2048, height: 2048 },
    { width: 512, height: 256 },
  ]);
});

test.each([
  ['large', 6, 6, 2048],
  ['many, small', 120, 8, 128],
])('a grid of %s pictures is made smaller, its labels included', async (_name, columns, rows, edge) => {
  const labels = (count: number) => Array.from({ length: count }, (_, at) => `${at}`);
  const picture = () => Promise.resolve(pixels(edge, edge));
  await gridPicture({ columns: labels(columns), rows: labels(rows), picture });
  expectInside(canvases[0]!, columns * rows);
});

test('a canvas that gives no picture is an error that says what to do, not an empty file', async () => {
  gives = () => Promise.resolve(new Blob([]));
  await expect(pairOf(8, 8)).rejects.toThrow(/could not draw a picture of \d+ × \d+ pixels.*by itself/);
  gives = () => Promise.reject(new DOMException('', 'EncodingError'));
  await expect(pairOf(8, 8)).rejects.toBeInstanceOf(NotDrawn);
  expect(() => fittingScale(1, () => ({ width: 1e6, height: 1 }))).toThrow(NotDrawn);
});
