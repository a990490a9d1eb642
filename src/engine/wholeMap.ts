// A map that is kept beside the device, out of which tiles are cut and into which they are put, and the statistics by
// which it is normalised.

import type { Area, Tile } from './tileGrid';

export interface WholeMap {
  /** Row-major. */
  readonly values: Float32Array;
  readonly dims: readonly [channels: number, height: number, width: number];
}

export function emptyMap(...dims: [channels: number, height: number, width: number]): WholeMap {
  return { values: new Float32Array(dims[0] * dims[1] * dims[2]), dims };
}

export function cropped(map: WholeMap, { top, bottom, left, right }: Area): WholeMap {
  const tile = emptyMap(map.dims[0], bottom - top, right - left);
  copyArea(map, { top, left }, tile, { top: 0, left: 0 }, [bottom - top, right - left]);
  return tile;
}

/** Puts what a tile is for into a map; the tile was made of what it reads, with `scale` pixels for one of these. */
export function putTile(map: WholeMap, made: WholeMap, { own, read }: Tile, scale: number): void {
  const from = { top: scale * (own.top - read.top), left: scale * (own.left - read.left) };
  const to = { top: scale * own.top, left: scale * own.left };
  copyArea(made, from, map, to, [scale * (own.bottom - own.top), scale * (own.right - own.left)]);
}

/** Mean and variance of each group of channels. */
export function groupStatistics({ values }: WholeMap, groups: number): { mean: number; variance: number }[] {
  const each = values.length / groups;
  return Array.from({ length: groups }, (_, group) => {
    const own = values.subarray(group * each, (group + 1) * each);
    let sum = 0;
    for (const value of own) sum += value;
    const mean = sum / each;
    let squares = 0;
    for (const value of own) squares += (value - mean) ** 2;
    return { mean, variance: squares / each };
  });
}

type Corner = Pick<Area, 'top' | 'left'>;

function copyArea(
  from: WholeMap,
  source: Corner,
  to: WholeMap,
  target: Corner,
  [rows, columns]: readonly [number, number],
): void {
  const [, height, width] = from.dims;
  for (let channel = 0; channel < from.dims[0]; channel += 1) {
    for (let row = 0; row < rows; row += 1) {
      const at = (channel * height + source.top + row) * width + source.left;
      const into = (channel * to.dims[1] + target.top + row) * to.dims[2] + target.left;
      to.values.set(from.values.subarray(at, at + columns), into);
    }
  }
}
