// Operators that change which axes a value has, or their order, and leave its entries alone.

import type { GraphNode } from '../file/model';
import { axesOf, axisOf } from './dims';
import { inputShape, inputValues, type Operators } from './operator';
import { mixes, sameRows, type Look, type Rows } from './rows';
import { LIMIT, product, type PartialValues } from './values';

export const AXES: Operators = {
  Transpose: {
    weight: 'keeps',
    shape: (node, known) => {
      const from = inputShape(node, known, 0);
      const perm = node.attributes.get('perm')?.ints ?? [];
      return perm.length > 0 ? perm.map((axis) => from?.[axis] ?? null) : from ? [...from].reverse() : null;
    },
    rows: (node, look) => {
      const rows = sameRows(node, look, [0]);
      const rank = look.shape(node.inputs[0] ?? '').length;
      const perm = node.attributes.get('perm')?.ints ?? [];
      return { ...rows, axis: perm.length > 0 ? perm.indexOf(rows.axis) : rank - 1 - rows.axis };
    },
  },
  Squeeze: {
    shape: (node, known) => {
      const from = inputShape(node, known, 0);
      return from && squeezed(from, axesOf(node, known), node.attributes.has('axes') || Boolean(node.inputs[1]));
    },
    values: (node, known) => inputValues(node, known, 0),
    rows: (node, look) => withoutAxes(node, look, false),
  },
  Unsqueeze: {
    shape: (node, known) => {
      const from = inputShape(node, known, 0);
      return from && unsqueezed(from, axesOf(node, known), inputShape(node, known, 1)?.[0] ?? null);
    },
    values: (node, known) => inputValues(node, known, 0),
    rows: (node, look) => {
      const rows = sameRows(node, look, [0]);
      const axes = axesIn(node, look);
      const rank = look.shape(node.inputs[0] ?? '').length + axes.length;
      const added = new Set(axes.map((axis) => axisOf(axis, rank)));
      const kept = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !added.has(axis));
      return { ...rows, axis: kept[rows.axis] ?? -1 };
    },
  },
  Flatten: {
    shape: (node, known) => {
      const from = inputShape(node, known, 0);
      const axis = from ? axisOf(node.attributes.get('axis')?.i ?? 1, from.length) : 0;
      return from && [product(from.slice(0, axis)), product(from.slice(axis))];
    },
    rows: (node, look) => {
      const rows = sameRows(node, look, [0]);
      const shape = look.shape(node.inputs[0] ?? '');
      const cut = axisOf(node.attributes.get('axis')?.i ?? 1, shape.length);
      const start = rows.axis < cut ? 0 : cut;
      const each = product([rows.each, ...shape.slice(rows.axis + 1, start === 0 ? cut : shape.length)]);
      if (product(shape.slice(start, rows.axis)) !== 1 || each === null) throw mixes(node);
      return { axis: start === 0 ? 0 : 1, each };
    },
  },
};

/** Where no axes are given every 1 goes, which takes all sizes to be known. */
function squeezed(from: PartialValues, axes: PartialValues | null, given: boolean): PartialValues | null {
  if (!given) return from.includes(null) ? null : from.filter((dim) => dim !== 1);
  if (!axes || axes.includes(null)) return null;
  const gone = new Set(axes.map((axis) => axisOf(axis as number, from.length)));
  return from.filter((_, axis) => !gone.has(axis));
}

/** `count` axes are added; where it is not known which, a scalar has ones alone all the same. */
function unsqueezed(from: PartialValues, axes: PartialValues | null, count: number | null): PartialValues | null {
  if (!axes || axes.includes(null))
    return count === null || count > LIMIT
      ? null
      : new Array<number | null>(from.length + count).fill(from.length === 0 ? 1 : null);
  const rank = from.length + axes.length;
  const added = new Set(axes.map((axis) => ((axis as number) + rank) % rank));
  let next = 0;
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (from[next++] ?? null)));
}

/** Where rows lie when some axes are gone, or are kept with the size 1. */
export function withoutAxes(node: GraphNode, look: Look, keeps: boolean): Rows {
  const rows = sameRows(node, look, [0]);
  const rank = look.shape(node.inputs[0] ?? '').length;
  const gone = new Set(axesIn(node, look).map((axis) => axisOf(axis, rank)));
  if (gone.size === 0 || gone.has(rows.axis)) throw mixes(node);
  return keeps ? rows : { ...rows, axis: rows.axis - [...gone].filter((axis) => axis < rows.axis).length };
}

/** Axes as an attribute or as a constant input; the batch in them, or none at all, is no row-by-row operator. */
function axesIn(node: GraphNode, look: Look): readonly number[] {
  const given = node.inputs[1] ?? '';
  const axes = axesOf(node, { values: new Map([[given, look.constant(given) ?? []]]) });
  if (!axes || axes.includes(null)) throw mixes(node);
  return axes as readonly number[];
}
