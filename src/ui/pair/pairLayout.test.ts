import { describe, expect, test } from 'vitest';
import { pairLayout } from './pairLayout';

const DESKTOP = { width: 1000, height: 570 };
const PHONE = { width: 332, height: 510 };

describe('where the pictures of a pair stand', () => {
  test.each([
    ['squares', DESKTOP, [512, 512], { width: 492, height: 492, stacked: false }],
    ['squares on a phone', PHONE, [512, 512], { width: 158, height: 158, stacked: false }],
    ['tall ones', DESKTOP, [384, 576], { width: 380, height: 570, stacked: false }],
    ['tall ones on a phone', PHONE, [384, 704], { width: 158, height: 289, stacked: false }],
    ['wide ones on a phone', PHONE, [704, 384], { width: 332, height: 181, stacked: true }],
    ['wide ones in a high room', { width: 700, height: 800 }, [704, 384], { width: 694, height: 379, stacked: true }],
    ['wide ones in a low room', { width: 1000, height: 320 }, [704, 384], { width: 492, height: 268, stacked: false }],
  ])('%s', (_name, room, [width, height], expected) => {
    expect(pairLayout(room, { width: width!, height: height! }, 2)).toEqual(expected);
  });

  test('one has the room alone', () => {
    expect(pairLayout(DESKTOP, { width: 512, height: 512 }, 1)).toEqual({ width: 570, height: 570, stacked: false });
  });

  test('small ones have whole multiples of their pixels, in either direction', () => {
    expect(pairLayout(DESKTOP, { width: 64, height: 64 }, 2)).toEqual({ width: 448, height: 448, stacked: false });
    expect(pairLayout(PHONE, { width: 80, height: 48 }, 2)).toEqual({ width: 320, height: 192, stacked: true });
    expect(pairLayout(PHONE, { width: 48, height: 80 }, 2)).toEqual({ width: 144, height: 240, stacked: false });
    // The built-in model's are large enough to be smooth.
    expect(pairLayout(DESKTOP, { width: 128, height: 128 }, 2)).toEqual({ width: 492, height: 492, stacked: false });
  });

  test('nothing becomes too small to be seen', () => {
    expect(pairLayout({ width: 100, height: 30 }, { width: 512, height: 256 }, 2).width).toBe(96);
  });
});
