// Reckoning with shapes of which not every size is known; what is not known is null.

import type { GraphNode } from '../file/model';
import type { Known } from './operator';
import type { PartialValues } from './values';

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Axes as an attribute, or as the second input since opset 13. */
export function axesOf(node: GraphNode, known: Pick<Known, 'values'>): PartialValues | null {
  return node.attributes.get('axes')?.ints ?? known.values.get(node.inputs[1] ?? '') ?? null;
}

export function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

/** numpy's rule; of a known size and an unknown one the known counts, unless it is 1. */
export function broadcast(a: PartialValues, b: PartialValues): PartialValues {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = axis < rank - a.length ? 1 : (a[axis - rank + a.length] ?? null);
    const y = axis < rank - b.length ? 1 : (b[axis - rank + b.length] ?? null);
    if (x === 1) return y;
    return y === 1 ? x : (x ?? y);
  });
}

/** Number of elements. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((all, dim) => all * dim, 1);
}
