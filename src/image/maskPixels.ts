// A mask that is painted: a byte a pixel of the picture that it lies on, 255 is made anew. Each change keeps the tiles
// that it touches as they were before, uniform ones as one number, so that undoing costs what was touched: a stroke on
// a picture of 50 million pixels keeps some of them and not a copy of all.

import { brushBox, paintLine, type Point } from './brush';
import type { Box, GrayPixels } from './resample';

/** Pixels along a tile's edge. */
const TILE = 256;
/** Bytes that what can be undone and redone may take; the last change is kept whatever it takes. */
const MOST_KEPT = 64 * 2 ** 20;

/** By number of tile: its bytes, or the one level that it has all over. */
type Tiles = Map<number, Uint8Array<ArrayBuffer> | number>;

export class MaskPixels implements GrayPixels {
  readonly gray: Uint8Array<ArrayBuffer>;
  /** The same bytes, four at a time; those behind the last pixel are 0. */
  private readonly words: Uint32Array<ArrayBuffer>;
  private readonly columns: number;
  /** Oldest first; the tiles as they were before. */
  private done: Tiles[] = [];
  private undone: Tiles[] = [];
  private open: Tiles | null = null;

  constructor(
    readonly width: number,
    readonly height: number,
    private readonly mostKept = MOST_KEPT,
  ) {
    const size = width * height;
    this.words = new Uint32Array(Math.ceil(size / 4));
    this.gray = new Uint8Array(this.words.buffer, 0, size);
    this.columns = Math.ceil(width / TILE);
  }

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  /** Bytes that undoing takes. */
  get kept(): number {
    const tiles = [...this.done, ...this.undone, ...(this.open ? [this.open] : [])].flatMap((one) => [...one.values()]);
    return tiles.reduce<number>((sum, tile) => sum + (typeof tile === 'number' ? 8 : tile.length), 0);
  }

  /** What is changed from here to `end` is one change. */
  begin(): void {
    this.end();
    this.open = new Map();
  }

  /** One piece of a stroke. @returns what of the mask may be another now; null where nothing */
  line(from: Point, to: Point, radius: number, erases: boolean): Box | null {
    const box = brushBox(this, from, to, radius);
    if (!box) return null;
    this.keep(box);
    paintLine(this, from, to, radius, erases, box);
    return box;
  }

  invert(): void {
    this.whole(() => {
      const { gray, words } = this;
      for (let at = 0; at < words.length; at += 1) words[at] = ~words[at]!;
      new Uint8Array(gray.buffer).fill(0, gray.length);
    });
  }

  /** @param gray one level for all, or a byte for each pixel */
  fill(gray: number | Uint8Array): void {
    this.whole(() => (typeof gray === 'number' ? this.gray.fill(gray) : this.gray.set(gray)));
  }

  end(): void {
    const { open } = this;
    this.open = null;
    if (!open || open.size === 0) return;
    this.done.push(open);
    this.undone = [];
    while (this.done.length > 1 && this.kept > this.mostKept) this.done.shift();
  }

  /** What was begun is as if it had not been. */
  revert(): void {
    if (this.open) this.swap(this.open);
    this.open = null;
  }

  undo(): void {
    this.end();
    const tiles = this.done.pop();
    if (tiles) this.undone.push(this.swap(tiles));
  }

  redo(): void {
    this.end();
    const tiles = this.undone.pop();
    if (tiles) this.done.push(this.swap(tiles));
  }

  /** How many pixels are made anew, half a level and more. */
  count(): number {
    const { words } = this;
    let count = 0;
    for (let at = 0; at < words.length; at += 1) {
      const halves = (words[at]! >>> 7) & 0x01010101;
      // The four bits' sum comes to the highest byte.
      if (halves !== 0) count += Math.imul(halves, 0x01010101) >>> 24;
    }
    return count;
  }

  private whole(change: () => void): void {
    this.begin();
    this.keep({ left: 0, top: 0, right: this.width, bottom: this.height });
    change();
    this.end();
  }

  private keep({ left, top, right, bottom }: Box): void {
    if (!this.open) this.open = new Map();
    for (let row = Math.floor(top / TILE); row * TILE < bottom; row += 1)
      for (let column = Math.floor(left / TILE); column * TILE < right; column += 1) {
        const tile = row * this.columns + column;
        if (!this.open.has(tile)) this.open.set(tile, this.read(tile));
      }
  }

  /** Puts tiles where they were. @returns what stood there */
  private swap(tiles: Tiles): Tiles {
    const stood: Tiles = new Map();
    for (const [tile, kept] of tiles) {
      stood.set(tile, this.read(tile));
      const { left, right, top, bottom } = this.boxOf(tile);
      for (let row = top; row < bottom; row += 1) {
        const at = row * this.width + left;
        if (typeof kept === 'number') this.gray.fill(kept, at, row * this.width + right);
        else this.gray.set(kept.subarray((row - top) * (right - left), (row - top + 1) * (right - left)), at);
      }
    }
    return stood;
  }

  private read(tile: number): Uint8Array<ArrayBuffer> | number {
    const { left, right, top, bottom } = this.boxOf(tile);
    const { gray } = this;
    const level = gray[top * this.width + left]!;
    let isUniform = true;
    for (let row = top; row < bottom && isUniform; row += 1) {
      const end = row * this.width + right;
      for (let at = row * this.width + left; at < end && isUniform; at += 1) isUniform = gray[at] === level;
    }
    if (isUniform) return level;
    const width = right - left;
    const bytes = new Uint8Array(width * (bottom - top));
    for (let row = top; row < bottom; row += 1)
      bytes.set(gray.subarray(row * this.width + left, row * this.width + right), (row - top) * width);
    return bytes;
  }

  private boxOf(tile: number): Box {
    const [left, top] = [(tile % this.columns) * TILE, Math.floor(tile / this.columns) * TILE];
    return {
      left,
      top,
      right: Math.min(this.width, left + TILE),
      bottom: Math.min(this.height, top + TILE),
    };
  }
}
