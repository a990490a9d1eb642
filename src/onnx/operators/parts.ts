// Operators that take a value apart, put values together, or turn its axes round.

import type { Node } from '../file/model';
import { axisOf, sum } from './dims';
import { inputShape, inputValues, type Known, type Operators } from './operator';
import { sliceRange, type SliceRange } from './sliceRange';
import { LIMIT, type PartialValues } from './values';

/** The step of a Slice that gives none. */
const ONE: PartialValues = [1];

export const PARTS: Operators = {
  Transpose: {
    weight: 'keeps',
    shape: (node, known) => {
      const from = inputShape(node, known, 0);
      const perm = node.attributes.get('perm')?.ints ?? [];
      return perm.length > 0 ? perm.map((axis) => from?.[axis] ?? null) : from ? [...from].reverse() : null;
    },
  },
  Concat: { shape: joined, values: joinedValues },
  Split: {
    shape: (node, known) => splitShapes(node, known)[0] ?? null,
    further: splitShapes,
  },
  Slice: { shape: sliced, values: slicedValues },
  Gather: {
    shape: (node, known) => {
      const [from, at] = [inputShape(node, known, 0), inputShape(node, known, 1)];
      const axis = axisOf(node.attributes.get('axis')?.i ?? 0, from?.length ?? 0);
      return from && at ? [...from.slice(0, axis), ...at, ...from.slice(axis + 1)] : null;
    },
    values: (node, known) => {
      const [from, at] = [inputValues(node, known, 0), inputValues(node, known, 1)];
      return at && inputShape(node, known, 0)?.length === 1
        ? at.map((index) => (index === null ? null : (from?.at(index) ?? null)))
        : null;
    },
  },
  Pad: {
    shape: (node, known) => {
      const [from, pads] = [inputShape(node, known, 0), inputValues(node, known, 1)];
      return from && pads && !node.inputs[3] && pads.length === 2 * from.length
        ? from.map((dim, axis) => sum(dim, sum(pads[axis] ?? null, pads[axis + from.length] ?? null)))
        : null;
    },
  },
  Trilu: { shape: (node, known) => inputShape(node, known, 0) },
};

function joined(node: Node, known: Known): PartialValues | null {
  const parts = node.inputs.map((name) => known.shapes.get(name));
  const [first] = parts;
  if (!first || !parts.every((part): part is PartialValues => part?.length === first.length)) return null;
  const axis = axisOf(node.attributes.get('axis')?.i ?? 0, first.length);
  return first.map((dim, index) =>
    index === axis ? parts.reduce<number | null>((all, part) => sum(all, part[index] ?? null), 0) : dim,
  );
}

/** Entries come in the order of a concatenation along the first axis. */
function joinedValues(node: Node, known: Known): PartialValues | null {
  const axis = node.attributes.get('axis')?.i ?? 0;
  const rank = inputShape(node, known, 0)?.length;
  if (rank === undefined || (axis !== 0 && axis + rank !== 0)) return null;
  const entries: (number | null)[] = [];
  for (const name of node.inputs) {
    const part = known.values.get(name);
    if (!part || entries.length + part.length > LIMIT) return null;
    entries.push(...part);
  }
  return entries;
}

/** Of each output of a Split. */
function splitShapes(node: Node, known: Known): readonly PartialValues[] {
  const from = inputShape(node, known, 0);
  if (!from) return [];
  const axis = axisOf(node.attributes.get('axis')?.i ?? 0, from.length);
  const given = node.inputs[1] ? inputValues(node, known, 1) : (node.attributes.get('split')?.ints ?? []);
  const whole = from[axis];
  return node.outputs.map((_, index) => {
    const each = typeof whole === 'number' ? Math.ceil(whole / node.outputs.length) : null;
    // The last one has what the others leave.
    const equal = each === null ? null : Math.max(0, Math.min(each, (whole as number) - index * each));
    const size = given?.length === 0 ? equal : (given?.[index] ?? null);
    return from.map((dim, place) => (place === axis ? size : dim));
  });
}

function sliced(node: Node, known: Known): PartialValues | null {
  const from = inputShape(node, known, 0);
  const [starts, ends] = [inputValues(node, known, 1), inputValues(node, known, 2)];
  const axes = node.inputs[3] ? inputValues(node, known, 3) : starts?.map((_, axis) => axis);
  const steps = node.inputs[4] ? inputValues(node, known, 4) : starts?.map(() => 1);
  if (!from || !starts || !ends) return null;
  if (!axes || axes.includes(null)) return from.map(() => null);
  return from.map((dim, index) => {
    const at = axes.findIndex((axis) => axis === index || axis === index - from.length);
    if (at < 0) return dim;
    const [start, end, step] = [starts[at], ends[at], steps?.[at]];
    if (dim === null || typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number') return null;
    return sliceRange(dim, start, end, step)?.count ?? null;
  });
}

/** Of a vector, which has one start, end and step. */
function slicedValues(node: Node, known: Known): PartialValues | null {
  const from = inputValues(node, known, 0);
  if (!from || inputShape(node, known, 0)?.length !== 1) return null;
  const bounds = [1, 2, 4].map((index) => (node.inputs[index] ? inputValues(node, known, index) : ONE));
  const range = rangeOf(from.length, bounds);
  return range && Array.from({ length: range.count }, (_, index) => from[range.first + index * range.step] ?? null);
}

/** Of start, end and step as they are known. */
function rangeOf(size: number, bounds: readonly (PartialValues | null)[]): SliceRange | null {
  const [start, end, step] = bounds.map((bound) => (bound?.length === 1 ? bound[0] : null));
  return typeof start === 'number' && typeof end === 'number' && typeof step === 'number'
    ? sliceRange(size, start, end, step)
    : null;
}
