// Operators on pictures [B, channels, …]: convolutions, poolings, and other sizes of the same picture.

import { withInputs } from '../file/makeNode';
import type { GraphNode } from '../file/model';
import { sizeOf } from './dims';
import { inputShape, inputValues, type Known, type Operators } from './operator';
import { mixes, onFirstAxis, sameRows, type Look, type Maker, type Rebatched } from './rows';
import type { PartialValues } from './values';

export const CONVOLUTIONS: Operators = {
  Conv: {
    shape: (node, known) => {
      const [first, kernel] = [inputShape(node, known, 0), inputShape(node, known, 1)];
      const sizes = kernel?.slice(2).map((_, axis) => convolved(node, first, kernel, axis)) ?? [];
      return kernel && [first?.[0] ?? null, kernel[0] ?? null, ...sizes];
    },
    // Each output element sums over the kernel of its group.
    cost: (node, dims) => {
      const [out, kernel] = [dims(node.outputs[0]), dims(node.inputs[1])];
      return out && kernel ? sizeOf(out) * sizeOf(kernel.slice(1)) : null;
    },
    rows: onFirstAxis,
  },
  NhwcConv: {
    shape: (node, known) => {
      const [first, kernel] = [inputShape(node, known, 0), inputShape(node, known, 1)];
      return first && kernel && [first[0] ?? null, null, null, kernel[0] ?? null];
    },
    rows: onFirstAxis,
  },
  GlobalAveragePool: {
    shape: (node, known) => inputShape(node, known, 0)?.map((dim, axis) => (axis < 2 ? dim : 1)) ?? null,
    rows: onFirstAxis,
  },
  Resize: { shape: resized, rebatch: resize, readsCounts: true },
  Upsample: { shape: resized, rebatch: resize },
};

/**
 * A convolution's output along one of its axes (0 is the height of a picture, 1 its width); null with automatic
 * padding.
 */
function convolved(node: GraphNode, input: PartialValues | null, kernel: PartialValues, axis: number): number | null {
  const [size, taps] = [input?.[axis + 2], kernel[axis + 2]];
  if (
    typeof size !== 'number' ||
    typeof taps !== 'number' ||
    !['', 'NOTSET'].includes(node.attributes.get('auto_pad')?.s ?? '')
  )
    return null;
  const attribute = (name: string, at: number, otherwise: number) => node.attributes.get(name)?.ints[at] ?? otherwise;
  const padding = attribute('pads', axis, 0) + attribute('pads', axis + kernel.length - 2, 0);
  return (
    Math.floor((size + padding - attribute('dilations', axis, 1) * (taps - 1) - 1) / attribute('strides', axis, 1)) + 1
  );
}

/** By sizes where they are given, else by scales, of all axes or of those named; null where these are not known. */
function resized(node: GraphNode, known: Known): PartialValues | null {
  const from = inputShape(node, known, 0);
  if (!isStretched(node)) return null;
  const all = inputValues(node, known, 3);
  const sizes = all && all.length > 0 ? all : null;
  const named = node.attributes.get('axes')?.ints;
  if (sizes && !named) return sizes;
  const given = sizes ?? inputValues(node, known, node.opType === 'Upsample' ? 1 : 2);
  if (!from || !given || (named && named.length !== given.length)) return null;
  return from.map((dim, axis) => {
    const at = named ? named.findIndex((one) => one === axis || one === axis - from.length) : axis;
    if (at < 0) return dim;
    const value = given[at] ?? null;
    if (sizes) return value;
    return dim === null || value === null ? null : Math.floor(Math.fround(dim * value));
  });
}

/** Whether the whole input gets the sizes that are given: not a part of it, and whatever becomes of its aspect. */
function isStretched(node: GraphNode): boolean {
  const attribute = (name: string) => node.attributes.get(name)?.s ?? '';
  const stretches = ['', 'stretch'].includes(attribute('keep_aspect_ratio_policy'));
  return stretches && attribute('coordinate_transformation_mode') !== 'tf_crop_and_resize';
}

function resize(node: GraphNode, look: Look, make: Maker): Rebatched {
  const rows = sameRows(node, look, [0]);
  if (!isStretched(node) || node.attributes.has('axes')) throw mixes(node);
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
