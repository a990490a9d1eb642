// The brush against one that measures every pixel, and undoing against copies of the whole mask.

import { expect, test } from 'vitest';
import { MaskPixels } from './maskPixels';

/** A generator of numbers in [0, 1) from a seed (mulberry32), so that a failure can be had again. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const [WIDTH, HEIGHT] = [300, 270];
const isSame = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;

test('a stroke covers what lies within its radius of the line, to a level', () => {
  const next = numbers(1);
  for (let round = 0; round < 60; round += 1) {
    const mask = new MaskPixels(WIDTH, HEIGHT);
    const erases = round % 2 === 1;
    if (erases) mask.fill(255);
    const place = () => ({ x: next() * 1.4 * WIDTH - 40, y: next() * 1.4 * HEIGHT - 40 });
    const [from, radius] = [place(), 0.5 + next() ** 3 * 90];
    const to = [place(), from, { x: place().x, y: from.y }, { x: from.x, y: place().y }][round % 4]!;
    const box = mask.line(from, to, radius, erases);
    for (let y = 0; y < HEIGHT; y += 1)
      for (let x = 0; x < WIDTH; x += 1) {
        // The least over many points of the line.
        const [dx, dy] = [to.x - from.x, to.y - from.y];
        const along = ((x + 0.5 - from.x) * dx + (y + 0.5 - from.y) * dy) / (dx * dx + dy * dy || 1);
        const t = Math.min(1, Math.max(0, along));
        const far = Math.sqrt((from.x + t * dx - x - 0.5) ** 2 + (from.y + t * dy - y - 0.5) ** 2);
        const covered = 255 * Math.min(1, Math.max(0, radius + 0.5 - far));
        const got = mask.gray[y * WIDTH + x]!;
        const where = `round ${round} at ${x}, ${y}`;
        if (Math.abs((erases ? 255 - got : got) - covered) > 1) expect(got, where).toBe(covered);
        if (covered >= 1 && box && (x < box.left || x >= box.right || y < box.top || y >= box.bottom))
          expect.fail(`${where} lies outside the box`);
      }
  }
});

test('undoing and redoing give each state back, whatever the changes were; a reverted stroke leaves none', () => {
  const next = numbers(2);
  const mask = new MaskPixels(WIDTH, HEIGHT);
  const states = [mask.gray.slice()];
  for (let change = 0; change < 24; change += 1) {
    const kind = change % 6;
    if (kind === 2) mask.invert();
    else if (kind === 4) mask.fill(0);
    else if (kind === 5) mask.fill(Uint8Array.from({ length: WIDTH * HEIGHT }, () => next() * 256));
    else {
      mask.begin();
      for (let line = 0; line < 5; line += 1) {
        const place = () => ({ x: next() * WIDTH, y: next() * HEIGHT });
        mask.line(place(), place(), 1 + next() * 40, kind === 1);
      }
      mask.end();
    }
    states.push(mask.gray.slice());
    mask.begin();
    mask.line({ x: 0, y: 0 }, { x: WIDTH, y: HEIGHT }, 20, change % 2 === 0);
    mask.revert();
    expect(isSame(mask.gray, states.at(-1)!)).toBe(true);
  }
  for (let at = states.length - 2; at >= 0; at -= 1) {
    mask.undo();
    expect(isSame(mask.gray, states[at]!), `undone to ${at}`).toBe(true);
  }
  expect(mask.canUndo).toBe(false);
  for (let at = 1; at < states.length; at += 1) {
    mask.redo();
    expect(isSame(mask.gray, states[at]!), `redone to ${at}`).toBe(true);
  }
  expect(mask.canRedo).toBe(false);
  mask.undo();
  mask.invert();
  expect(mask.canRedo).toBe(false);
});

test('what can be undone is bounded: the oldest goes, the last never', () => {
  const next = numbers(3);
  const mask = new MaskPixels(WIDTH, HEIGHT, 200_000);
  for (let change = 0; change < 10; change += 1)
    mask.fill(Uint8Array.from({ length: WIDTH * HEIGHT }, () => next() * 256));
  expect(mask.kept).toBeLessThan(200_000);
  mask.undo();
  expect(mask.canUndo).toBe(true);
  mask.undo();
  expect(mask.canUndo).toBe(false);
  const tight = new MaskPixels(WIDTH, HEIGHT, 1);
  tight.fill(Uint8Array.from({ length: WIDTH * HEIGHT }, () => next() * 256));
  tight.invert();
  tight.undo();
  expect(tight.canRedo && !tight.canUndo).toBe(true);
});

test('pixels of half a level and more are counted', () => {
  const mask = new MaskPixels(4, 1);
  mask.fill(Uint8Array.from([0, 127, 128, 255]));
  expect(mask.count()).toBe(2);
});
