// Operators that carry sizes as constants, and what these must be for any number of rows. A constant is replaced only
// by what equals it at the batch that the graph was exported with, so that there the graph stays the same:
//
//   Reshape [2, 64, 320]   → [−1, 64, 320]     Expand [2, 4]      → [1, 4]: the rows are there already
//   Slice 0:2 of the rows  → all of them       Resize to [2, …]   → to [rows, …]
//   an Add of zeros [16, 64, 64] to rows       → of the first of them, [1, 64, 64]
//
// Rows must stay whole and in order: of a Reshape, all that lies before the rows is as large behind it.

import { axisOf } from '../../operators/dims';
import { reshaped } from '../../operators/reshaping';
import { product, type PartialValues } from '../../operators/values';
import { withInputs } from '../../file/makeNode';
import type { Node } from '../../file/model';
import { isElementwise, mixes, sameRows } from './rowRules';
import type { Look, Maker, Rows } from './rows';

/** Stands for the end of any axis in a Slice. */
const END = Number.MAX_SAFE_INTEGER;

export interface Rebatched {
  readonly node: Node;
  readonly rows: Rows;
}

/** The node for any number of rows and where its rows lie; null where it is none of these operators. */
export function rebatch(node: Node, look: Look, make: Maker): Rebatched | null {
  if (isElementwise(node)) return broadcasting(node, look, make);
  switch (node.opType) {
    case 'Reshape':
      return reshape(node, look, make);
    case 'Expand':
      return expand(node, look, make);
    case 'Slice':
      return slice(node, look, make);
    case 'Resize':
    case 'Upsample':
      return resize(node, look, make);
    default:
      return null;
  }
}

/** A constant of as many entries as there were rows can stay only where it is the same for each. */
function broadcasting(node: Node, look: Look, make: Maker): Rebatched {
  const shapes = node.inputs.map((name) => (name === '' ? [] : look.shape(name)));
  const rank = Math.max(...shapes.map((shape) => shape.length));
  let found: Rows | null = null;
  for (const [index, name] of node.inputs.entries()) {
    const rows = look.rows(name);
    if (!rows) continue;
    const axis = rows.axis + rank - (shapes[index] as PartialValues).length;
    if (found && (found.axis !== axis || found.each !== rows.each)) throw mixes(node);
    found = { axis, each: rows.each };
  }
  if (!found) throw mixes(node);
  const { axis } = found;
  const inputs = node.inputs.map((name, index) => {
    const shape = shapes[index] as PartialValues;
    const at = axis - rank + shape.length;
    if (name === '' || look.rows(name) || at < 0 || shape[at] === 1) return name;
    if (!look.isUniform(name)) throw mixes(node);
    return make.first(name, at);
  });
  return {
    node: inputs.every((name, index) => name === node.inputs[index]) ? node : withInputs(node, inputs),
    rows: found,
  };
}

function reshape(node: Node, look: Look, make: Maker): Rebatched {
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
  const each = (now[axis] as number) / look.batch;
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

function expand(node: Node, look: Look, make: Maker): Rebatched {
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

/** Of the rows themselves only all can be taken: from the first one to the last one that there was. */
function slice(node: Node, look: Look, make: Maker): Rebatched {
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

function resize(node: Node, look: Look, make: Maker): Rebatched {
  const rows = sameRows(node, look, [0]);
  const attribute = (name: string) => node.attributes.get(name)?.s ?? '';
  const keepsAspect = !['', 'stretch'].includes(attribute('keep_aspect_ratio_policy'));
  if (
    attribute('coordinate_transformation_mode') === 'tf_crop_and_resize' ||
    keepsAspect ||
    node.attributes.has('axes')
  )
    throw mixes(node);
  const [from = '', ...others] = node.inputs;
  const sizesAt = node.opType === 'Resize' ? 2 : -1;
  const sizes = others[sizesAt] ?? '';
  if (sizes === '') {
    const scales = look.constant(others[node.opType === 'Resize' ? 1 : 0] ?? '');
    if (scales?.[rows.axis] !== 1) throw mixes(node);
    return { node, rows };
  }
  const size = rows.each * look.batch;
  const target = look.counts(sizes);
  if (target?.now[rows.axis] !== size) throw mixes(node);
  if (target.then[rows.axis] === rows.each * look.probe) return { node, rows };
  const constant = look.constant(sizes);
  if (!constant || constant.includes(null)) throw mixes(node);
  return { node: withInputs(node, [from, ...others.slice(0, sizesAt), make.shapeOf(constant, rows)]), rows };
}
