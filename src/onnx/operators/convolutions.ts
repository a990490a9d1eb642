// Operators on pictures [B, channels, …]: convolutions, poolings, and other sizes of the same picture.

import { withInputs } from '../file/makeNode';
import type { Node } from '../file/model';
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
function convolved(node: Node, input: PartialValues | null, kernel: PartialValues, axis: number): number | null {
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

/** By sizes where they are given, else by scales; null where neither is of all axes and of the whole input. */
function resized(node: Node, known: Known): PartialValues | null {
  const from = inputShape(node, known, 0);
  if (takesPart(node)) return null;
  const sizes = inputValues(node, known, 3);
  if (sizes && sizes.length > 0) return sizes;
  const scales = inputValues(node, known, node.opType === 'Upsample' ? 1 : 2);
  return scales && from
    ? from.map((dim, axis) =>
        dim === null || typeof scales[axis] !== 'number' ? null : Math.floor(Math.fround(dim * scales[axis])),
      )
    : null;
}

/**
 * Whether it is of a part of the input, of some axes alone, or keeps the aspect instead of the sizes that it is given.
 */
function takesPart(node: Node): boolean {
  const attribute = (name: string) => node.attributes.get(name)?.s ?? '';
  const keepsAspect = !['', 'stretch'].includes(attribute('keep_aspect_ratio_policy'));
  return (
    attribute('coordinate_transformation_mode') === 'tf_crop_and_resize' || keepsAspect || node.attributes.has('axes')
  );
}

function resize(node: Node, look: Look, make: Maker): Rebatched {
  const rows = sameRows(node, look, [0]);
  if (takesPart(node)) throw mixes(node);
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
