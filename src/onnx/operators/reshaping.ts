// Operators that give the same entries another shape, or repeat them to fill one.

import type { Node } from '../file/model';
import { axesOf, axisOf, broadcast } from './dims';
import { inputShape, inputValues, type Known, type Operators } from './operator';
import { LIMIT, product, type PartialValues } from './values';

/** The entries stay as they are. */
const kept = (node: Node, known: Known) => inputValues(node, known, 0);

export const RESHAPING: Operators = {
  Reshape: {
    shape: (node, known) =>
      reshaped(
        inputShape(node, known, 0) ?? lengthOf(inputValues(node, known, 0)),
        inputValues(node, known, 1),
        node.attributes.get('allowzero')?.i === 1,
      ),
    values: kept,
  },
  Squeeze: {
    shape: (node, known) => {
      const from = inputShape(node, known, 0);
      return from && squeezed(from, axesOf(node, known), node.attributes.has('axes') || Boolean(node.inputs[1]));
    },
    values: kept,
  },
  Unsqueeze: {
    shape: (node, known) => {
      const from = inputShape(node, known, 0);
      return from && unsqueezed(from, axesOf(node, known), inputShape(node, known, 1)?.[0] ?? null);
    },
    values: kept,
  },
  Flatten: {
    shape: (node, known) => {
      const from = inputShape(node, known, 0);
      const axis = from ? axisOf(node.attributes.get('axis')?.i ?? 1, from.length) : 0;
      return from && [product(from.slice(0, axis)), product(from.slice(axis))];
    },
  },
  Expand: {
    shape: (node, known) => {
      const [from, target] = [inputShape(node, known, 0), inputValues(node, known, 1)];
      return from && target ? broadcast(from, target) : null;
    },
  },
  Tile: {
    shape: (node, known) => {
      const [from, repeats] = [inputShape(node, known, 0), inputValues(node, known, 1)];
      return from && repeats?.length === from.length
        ? from.map((dim, axis) => product([dim, repeats[axis] ?? null]))
        : null;
    },
  },
};

/** 0 takes the size of the input's axis, unless `allowZero` takes it as it is; −1 is what is left. */
export function reshaped(
  from: PartialValues | null,
  target: PartialValues | null,
  allowZero = false,
): PartialValues | null {
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
