import { describe, expect, test } from 'vitest';
import { pictureSize, sizeSettings } from './pictureSize';

const SD = { own: { width: 512, height: 512 }, multiple: 64, isFixed: false };

describe('the size of a run’s pictures', () => {
  test('0 is the model’s own, each edge by itself', () => {
    expect(pictureSize({ width: 0, height: 0 }, SD)).toEqual(SD.own);
    expect(pictureSize({ width: 768, height: 0 }, SD)).toEqual({ width: 768, height: 512 });
  });

  test('others become the nearest multiple that the model takes', () => {
    expect(pictureSize({ width: 500, height: 800 }, SD)).toEqual({ width: 512, height: 832 });
    expect(pictureSize({ width: 1, height: 9999 }, SD)).toEqual({ width: 64, height: 4096 });
    expect(pictureSize({ width: 4096, height: 8 }, { ...SD, multiple: 96 })).toEqual({ width: 4032, height: 96 });
  });

  test('the model’s own stays though it be no multiple', () => {
    const sizes = { own: { width: 24, height: 40 }, multiple: 16, isFixed: false };
    expect(pictureSize({ width: 24, height: 24 }, sizes)).toEqual({ width: 24, height: 32 });
  });

  test('settings say the model’s own as 0', () => {
    expect(sizeSettings({ width: 512, height: 512 }, SD)).toEqual({ width: 0, height: 0 });
    expect(sizeSettings({ width: 512, height: 768 }, SD)).toEqual({ width: 512, height: 768 });
  });

  test('a graph of one size has that', () => {
    expect(pictureSize({ width: 768, height: 64 }, { ...SD, isFixed: true })).toEqual(SD.own);
  });
});
