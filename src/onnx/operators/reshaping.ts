// Operators that give the same entries another shape, or repeat them to fill one. Shapes with a fixed batch become ones
// for any number of rows; of a Reshape, all that lies before the rows is as large behind it.

import { withInputs } from '../file/makeNode';
import type { GraphNode } from '../file/model';
import { broadcast } from './dims';
import { inputShape, inputValues, type Operators } from './operator';
import { mixes, sameRows, type Look, type Maker, type Rebatched } from './rows';
import { product, type PartialValues } from './values';

export const RESHAPING: Operators = {
  Reshape: {
    shape: (node, known) =>
      reshaped(
        inputShape(node, known, 0) ?? lengthOf(inputValues(node, known, 0)),
        inputValues(node, known, 1),
        node.attributes.get('allowzero')?.i === 1,
      ),
    values: (node, known) => inputValues(node, known, 0),
    rebatch: reshape,
    readsCounts: true,
  },
  Expand: {
    shape: (node, known) => {
      const [from, target] = [inputShape(node, known, 0), inputValues(node, known, 1)];
      return from && target ? broadcast(from, target) : null;
    },
    rebatch: expand,
    readsCounts: true,
  },
  Tile: {
    shape: (node, known) => {
      const [from, repeats] = [inputShape(node, known, 0), inputValues(node, known, 1)];
      return from && repeats?.length === from.length
        ? from.map((dim, axis) => product([dim, repeats[axis] ?? null]))
        : null;
    },
    rows: (node, look) => {
      const rows = sameRows(node, look, [0]);
      if (look.constant(node.inputs[1] ?? '')?.[rows.axis] !== 1) throw mixes(node);
      return rows;
    },
  },
};

/** 0 takes the size of the input's axis, unless `allowZero` takes it as it is; −1 is what is left. */
function reshaped(from: PartialValues | null, target: PartialValues | null, allowZero = false): PartialValues | null {
  if (!target) return null;
  const dims = target.map((dim, axis) => (dim === 0 && !allowZero ? (from?.[axis] ?? null) : dim));
  const size = from && product(from);
  const rest = product(dims.filter((dim) => dim !== -1));
  const left = size && rest && size % rest === 0 ? size / rest : null;
  return dims.map((dim) => (dim === -1 ? left : dim));
}

function lengthOf(values: PartialValues | null): PartialValues | null {
  return values && [values.length];
}

function reshape(node: GraphNode, look: Look, make: Maker): Rebatched {
  const rows = sameRows(node, look, [0]);
  const [from = '', to = ''] = node.inputs;
  const [shape, target] = [look.shape(from), look.counts(to)];
  if (!target || (node.attributes.get('allowzero')?.i && target.now.includes(0))) throw mixes(node);
  const now = reshaped(shape, target.now) ?? [];
  const then =
    reshaped(
      shape.map((dim, axis) => (axis === rows.axis ? rows.each * look.probe : dim)),
      target.then,
    ) ?? [];
  const axis = axisBehind(product(shape.slice(0, rows.axis)), now, target, look);
  if (axis === null) throw mixes(node);
  const each = now[axis]! / look.batch;
  const found = { axis, each };
  if (now.every((dim, at) => then[at] === (at === axis ? each * look.probe : dim))) return { node, rows: found };
  const copies = axis === rows.axis && each === rows.each;
  const constant = look.constant(to);
  if (!constant) throw mixes(node);
  const entries = now.map((dim, at) => (at === axis ? -1 : (dim ?? constant[at] ?? -1)));
  // Where a size that the graph leaves open takes the −1, the rows can be copied from the same axis.
  if (copies && entries.filter((entry) => entry === -1).length > 1) entries[axis] = 0;
  if (
    entries.filter((entry) => entry === -1).length > 1 ||
    entries.some((entry, at) => entry === 0 && at === rows.axis && at !== axis)
  )
    throw mixes(node);
  return { node: withInputs(node, [from, make.integers(entries)]), rows: found };
}

/**
 * The axis of a reshaped value on which the rows lie: all before it is as large as it was. One where the target counts
 * rows comes first. (A −1 says little: it would take whatever number of rows is left over.)
 */
function axisBehind(
  before: number | null,
  now: PartialValues,
  target: { readonly now: PartialValues; readonly then: PartialValues },
  look: Look,
): number | null {
  if (before === null) return null;
  const fitting: number[] = [];
  let size: number | null = 1;
  for (let axis = 0; axis < now.length && size !== null; axis += 1) {
    const dim: number | null = now[axis] ?? null;
    if (size === before && dim !== null && dim > 0 && dim % look.batch === 0) fitting.push(axis);
    size = dim === null ? null : size * dim;
  }
  return fitting.find((axis) => target.now[axis] !== target.then[axis]) ?? fitting[0] ?? null;
}

function expand(node: GraphNode, look: Look, make: Maker): Rebatched {
  const rows = sameRows(node, look, [0]);
  const [from = '', to = ''] = node.inputs;
  const [rank, target] = [look.shape(from).length, look.counts(to)];
  if (!target) throw mixes(node);
  const found = { ...rows, axis: rows.axis + Math.max(0, target.now.length - rank) };
  const at = found.axis - Math.max(0, rank - target.now.length);
  const [now, then] = [target.now[at], target.then[at]];
  const size = rows.each * look.batch;
  if (at < 0 || now === 1 || (now === size && then === rows.each * look.probe)) return { node, rows: found };
  const constant = look.constant(to);
  if (now !== size || !constant || constant.includes(null)) throw mixes(node);
  return {
    node: withInputs(node, [from, make.integers(constant.map((entry, axis) => (axis === at ? 1 : (entry as number))))]),
    rows: found,
  };
}
