// Where each parameter of a network lies in a file: found by its name there, held to the shape that the network asks
// for.

import { EngineError } from '../protocol/errors';
import type { StoredTensor } from './safetensors';
import type { Shapes } from './shapes';

export interface TensorSource {
  readonly tensor: StoredTensor;
  /** The parameter's shape in diffusers, which the stored bytes fill; the tensor's own may say it otherwise. */
  readonly shape: readonly number[];
  /** Only these rows (first axis) of the tensor: from the first to before the second. */
  readonly rows?: readonly [begin: number, end: number];
  /** The tensor is the parameter's transpose. */
  readonly transposed?: true;
}

export type Sources = ReadonlyMap<string, TensorSource>;

/** What one tensor of the file holds. */
export interface Holds {
  readonly parameters: readonly string[];
  readonly transposed?: true;
}

export interface Found {
  /** Without checks against a network: `shape` is as stored. */
  readonly sources: Sources;
  /** Keys of the file that hold nothing known. */
  readonly unknown: readonly string[];
}

/**
 * Names what each tensor holds, by the part's own words.
 * @param entries the part's tensors: the key in the file, and what is left of it without the part's prefix.
 */
export function findSources(
  entries: readonly (readonly [key: string, name: string, tensor: StoredTensor])[],
  holds: (name: string) => Holds | null,
): Found {
  const sources = new Map<string, TensorSource>();
  const unknown: string[] = [];
  for (const [key, name, tensor] of entries) {
    const held = holds(name);
    const count = held?.parameters.length ?? 0;
    const [first = 0, ...others] = tensor.shape;
    if (!held || first % count !== 0 || held.parameters.some((parameter) => sources.has(parameter))) {
      unknown.push(key);
      continue;
    }
    held.parameters.forEach((parameter, at) => {
      const rows = first / count;
      sources.set(parameter, {
        tensor,
        shape: count > 1 ? [rows, ...others] : held.transposed ? [...tensor.shape].reverse() : tensor.shape,
        ...(count > 1 && { rows: [at * rows, (at + 1) * rows] as const }),
        ...(held.transposed && { transposed: true as const }),
      });
    });
  }
  return { sources, unknown };
}

/**
 * The sources of exactly the parameters of a network, each with the network's shape for it.
 * @param what the part, as a message calls it.
 * @throws EngineError `model-invalid` where one is missing, or has another size or a type that is no weight's.
 */
export function fitSources(sources: Sources, parameters: Shapes, what: string): Sources {
  const fitted = new Map<string, TensorSource>();
  const missing: string[] = [];
  for (const [name, shape] of parameters) {
    const source = sources.get(name);
    if (!source) missing.push(name);
    else if (!sameAxes(source.shape, shape))
      throw unfit(what, `${name} is [${source.shape.join()}], not [${shape.join()}]`);
    else if (!WEIGHTS.has(source.tensor.dtype)) throw unfit(what, `${name} is ${source.tensor.dtype}`);
    else fitted.set(name, { ...source, shape });
  }
  if (missing.length > 0) throw lacking(what, missing);
  return fitted;
}

/** Where a source's bytes lie in its file. */
export function bytesOf({ tensor, rows }: TensorSource): { readonly offset: number; readonly length: number } {
  if (!rows) return { offset: tensor.offset, length: tensor.length };
  const row = tensor.length / (tensor.shape[0] ?? 1);
  return { offset: tensor.offset + rows[0] * row, length: (rows[1] - rows[0]) * row };
}

/** Where the numbers lie by which a source is multiplied in use: one, or one for each of its rows as stored. */
export function scaleOf({ tensor: { scale }, rows }: TensorSource) {
  if (!scale) return null;
  if (scale.shape.every((size) => size === 1)) return { tensor: scale, offset: scale.offset, count: 1 };
  const [begin, end] = rows ?? [0, scale.shape[0] ?? 1];
  return {
    tensor: scale,
    offset: bytesOf({ tensor: scale, shape: [], rows: [begin, end] }).offset,
    count: end - begin,
  };
}

const WEIGHTS: ReadonlySet<string> = new Set(['F32', 'F16', 'BF16', 'F64', 'F8_E4M3', 'F8_E5M2']);

/** Convolutions of one pixel are stored as matrices by some, and matrices as such convolutions by others. */
function sameAxes(a: readonly number[], b: readonly number[]): boolean {
  const [bare, other] = [withoutOnes(a), withoutOnes(b)];
  return bare.length === other.length && bare.every((size, axis) => size === other[axis]);
}

function withoutOnes(shape: readonly number[]): readonly number[] {
  let end = shape.length;
  while (end > 1 && shape[end - 1] === 1) end -= 1;
  return shape.slice(0, end);
}

function lacking(what: string, missing: readonly string[]): EngineError {
  return new EngineError(
    'model-invalid',
    `This file’s ${what} is not whole: ${missing.length} of its weights are missing. ` +
      'Fetch the model again, or choose another.',
    missing.slice(0, 20).join('\n'),
  );
}

function unfit(what: string, detail: string): EngineError {
  return new EngineError(
    'model-invalid',
    `This file’s ${what} has weights that do not fit together. Choose another model.`,
    detail,
  );
}
