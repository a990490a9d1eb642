// The usual shapes of pictures, at about as many pixels as the model's own size has. A model of SDXL has the sizes that
// it was trained at, its buckets; for others the nearest multiples are looked for:
//
//   least of  2·|ln(w/h : ratio)| + |ln(w·h : own area)|        w, h multiples of what the graph needs
//
// SDXL's buckets: appendix I of arXiv 2307.01952.

import { MOST_EDGE, sizeSettings, type PictureSizes, type Size } from './pictureSize';

export interface Shape extends Size {
  readonly name: string;
}

const RATIOS = [
  ['Square', 1, [1024, 1024]],
  ['3:2', 3 / 2, [1216, 832]],
  ['2:3', 2 / 3, [832, 1216]],
  ['16:9', 16 / 9, [1344, 768]],
  ['9:16', 9 / 16, [768, 1344]],
] as const;

/** @param isSdxl whether the model reads its pictures' sizes. */
export function usualShapes(sizes: PictureSizes, isSdxl: boolean): readonly Shape[] {
  const shapes = allShapes(sizes, isSdxl);
  // Of few multiples two ratios may have the same.
  return shapes.filter((one, at) => shapes.findIndex((other) => isSameSize(one, other)) === at);
}

function allShapes({ own, multiple }: PictureSizes, isSdxl: boolean): readonly Shape[] {
  const inBuckets = isSdxl && own.width === 1024 && own.height === 1024 && 64 % multiple === 0;
  return RATIOS.map(([name, ratio, [width, height]]) => ({
    name,
    ...(inBuckets ? { width, height } : nearest(ratio, own.width * own.height, multiple)),
  }));
}

export function isSameSize(one: Size, other: Size): boolean {
  return one.width === other.width && one.height === other.height;
}

/**
 * A size that another model takes, as settings say it: where it is one of the usual shapes of the model before, that of
 * the same name; null where it stays as it is.
 */
export function sameShape(size: Size, before: ShapedModel, now: ShapedModel): Size | null {
  const shape = allShapes(before.sizes, before.sdxl).find((one) => isSameSize(one, size));
  const other = allShapes(now.sizes, now.sdxl).find(({ name }) => name === shape?.name);
  return other ? sizeSettings(other, now.sizes) : null;
}

interface ShapedModel {
  readonly sizes: PictureSizes;
  readonly sdxl: boolean;
}

function nearest(ratio: number, area: number, multiple: number): Size {
  let best: Size = { width: multiple, height: multiple };
  let least = Infinity;
  const most = Math.min(MOST_EDGE, 2 * Math.sqrt(area * Math.max(ratio, 1 / ratio)));
  for (let width = multiple; width <= most; width += multiple) {
    for (let height = multiple; height <= most; height += multiple) {
      const off = 2 * Math.abs(Math.log(width / height / ratio)) + Math.abs(Math.log((width * height) / area));
      if (off >= least - 1e-9) continue;
      least = off;
      best = { width, height };
    }
  }
  return best;
}
