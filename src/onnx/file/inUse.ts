// Weights in another form than they lie in: marks on their byte ranges, which engine/weightsBlob follows as it reads
// them. ONNX Runtime would fold a Cast or a Transpose of a weight in WASM memory, where a second copy of it does not
// fit.

import type { Tensor } from './model';

/** A weight in a file, in use as numbers of this type. */
export function asType(weight: Tensor, to: number): Tensor {
  if (weight.dataType === to) return weight;
  const { cast, ...range } = ranged(weight);
  const from = cast?.from ?? weight.dataType;
  return { ...weight, dataType: to, range: from === to ? range : { ...range, cast: { from, to } } };
}

/** A matrix in a file, in use as its transpose. */
export function transposed(weight: Tensor): Tensor {
  const [rows, columns, ...others] = weight.dims;
  if (rows === undefined || columns === undefined || others.length > 0) throw new Error(`${weight.name} is no matrix.`);
  const { transposed: before, ...range } = ranged(weight);
  return { ...weight, dims: [columns, rows], range: before ? range : { ...range, transposed: { rows, columns } } };
}

function ranged({ name, range }: Tensor) {
  if (!range) throw new Error(`${name} lies in no file.`);
  return range;
}
