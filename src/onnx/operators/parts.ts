// Operators that take a value apart or put values together.

import { withInputs } from '../file/makeNode';
import type { GraphNode } from '../file/model';
import { axisOf, sum } from './dims';
import { inputShape, inputValues, type Known, type Operators } from './operator';
import { mixes, sameRows, type Look, type Maker, type Rebatched } from './rows';
import { sliceRange, type SliceRange } from './sliceRange';
import { LIMIT, type PartialValues } from './values';

/** Stands for the end of any axis in a Slice. */
const END = Number.MAX_SAFE_INTEGER;
/** The step of a Slice that gives none. */
const ONE: PartialValues = [1];

export const PARTS: Operators = {
  Concat: {
    shape: joined,
    values: joinedValues,
    rows: (node, look) => {
      const rows = sameRows(node, look, 'all');
      if (axisOf(node.attributes.get('axis')?.i ?? 0, look.shape(node.inputs[0] ?? '').length) === rows.axis)
        throw mixes(node);
      return rows;
    },
  },
  Split: {
    shape: (node, known) => splitShapes(node, known)[0] ?? null,
    further: splitShapes,
    rows: (node, look) => {
      const rows = sameRows(node, look, [0]);
      if (axisOf(node.attributes.get('axis')?.i ?? 0, look.shape(node.inputs[0] ?? '').length) === rows.axis)
        throw mixes(node);
      return rows;
    },
    rowOutputs: 'all',
  },
  Slice: { shape: sliced, values: slicedValues, rebatch: slice, readsCounts: true },
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
    rows: (node, look) => {
      const [data = '', indices = ''] = node.inputs;
      const axis = axisOf(node.attributes.get('axis')?.i ?? 0, look.shape(data).length);
      const [inData, inIndices] = [look.rows(data), look.rows(indices)];
      if (inIndices && !inData) return { ...inIndices, axis: inIndices.axis + axis };
      if (!inData || inIndices || inData.axis === axis) throw mixes(node);
      return { ...inData, axis: inData.axis < axis ? inData.axis : inData.axis - 1 + look.shape(indices).length };
    },
  },
  Pad: {
    shape: (node, known) => {
      const [from, pads] = [inputShape(node, known, 0), inputValues(node, known, 1)];
      return from && pads && !node.inputs[3] && pads.length === 2 * from.length
        ? from.map((dim, axis) => sum(dim, sum(pads[axis] ?? null, pads[axis + from.length] ?? null)))
        : null;
    },
    rows: (node, look) => {
      const rows = sameRows(node, look, [0]);
      const pads = look.constant(node.inputs[1] ?? '');
      if ((node.inputs[3] ?? '') !== '' || pads?.[rows.axis] !== 0 || pads[rows.axis + pads.length / 2] !== 0)
        throw mixes(node);
      return rows;
    },
  },
  Trilu: { shape: (node, known) => inputShape(node, known, 0) },
};

function joined(node: GraphNode, known: Known): PartialValues | null {
  const parts = node.inputs.map((name) => known.shapes.get(name));
  const [first] = parts;
  if (!first || !parts.every((part): part is PartialValues => part?.length === first.length)) return null;
  const axis = axisOf(node.attributes.get('axis')?.i ?? 0, first.length);
  return first.map((dim, index) =>
    index === axis ? parts.reduce<number | null>((all, part) => sum(all, part[index] ?? null), 0) : dim,
  );
}

/** Entries come in the order of a concatenation along the first axis. */
function joinedValues(node: GraphNode, known: Known): PartialValues | null {
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
function splitShapes(node: GraphNode, known: Known): readonly PartialValues[] {
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

function sliced(node: GraphNode, known: Known): PartialValues | null {
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
function slicedValues(node: GraphNode, known: Known): PartialValues | null {
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

/** Of the rows themselves only all can be taken: from the first one to the last one that there was. */
function slice(node: GraphNode, look: Look, make: Maker): Rebatched {
  const rows = sameRows(node, look, [0]);
  const [from = '', ...bounds] = node.inputs;
  const rank = look.shape(from).length;
  const [starts, ends, axes, steps] = bounds.map((name) => (name === '' ? undefined : look.constant(name)));
  if (!starts || !ends || axes === null || steps === null) throw mixes(node);
  const taken = axes ?? starts.map((_, axis) => axis);
  const matches = taken.map((axis) => axis !== null && axisOf(axis, rank) === rows.axis);
  const at = matches.indexOf(true);
  if (taken.includes(null) || at !== matches.lastIndexOf(true)) throw mixes(node);
  if (at < 0) return { node, rows };
  const [end, size] = [ends[at] ?? 0, rows.each * look.batch];
  if (
    starts[at] !== 0 ||
    (steps?.[at] ?? 1) !== 1 ||
    end < size ||
    [...starts, ...ends, ...(steps ?? [])].includes(null)
  )
    throw mixes(node);
  if (end > 2 ** 30) return { node, rows };
  const all = [
    starts,
    ends.map((entry, index) => (index === at ? END : entry)),
    taken,
    steps ?? taken.map(() => 1),
  ] as readonly (readonly number[])[];
  const within = (entry: number) => Math.max(-END, Math.min(END, entry));
  return { node: withInputs(node, [from, ...all.map((entries) => make.integers(entries.map(within)))]), rows };
}
