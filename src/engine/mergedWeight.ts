// A weight with LoRA merged into it, W + Σ wᵢ·scaleᵢ·upᵢ·downᵢ, as a Blob of f32 that is computed while it is read:
// only the rows that are asked for are ever in memory, with the two factors of each product.

import { addProduct, tuckerDown, type LowRank } from '../checkpoints/lora/loraProduct';
import type { LoraChange } from '../checkpoints/lora/loraFit';
import { goneLora, invalidLora } from '../checkpoints/lora/loraFile';
import { ELEMENT_TYPES } from '../checkpoints/networks/weightsIn';
import type { StoredTensor } from '../checkpoints/safetensors';
import { FLOAT, type Tensor } from '../onnx/file/model';
import type { EngineError } from '../protocol/errors';
import { elements } from './backend';
import { bytesOf, ComputedBlob, release } from './computedBlob';
import { convert, transposedPart, type Scales } from './convertWeights';
import { scalesOf } from './weightsBlob';

export interface MergedChange extends LoraChange {
  /** Of the LoRA, for people. */
  readonly name: string;
  readonly file: Blob;
  readonly weight: number;
}

export interface Merge {
  /** The weight as it lies in its file. */
  readonly base: Tensor;
  /** Opens a file that it lies in. */
  readonly open: (location: string) => Promise<Blob>;
  readonly changes: readonly MergedChange[];
}

/** A change with its numbers. */
interface Product extends LowRank {
  readonly name: string;
  readonly scale: number;
}

const BYTES = 4;

export function mergedWeight(merge: Merge): Blob {
  // Of one weight several slices are read, one right behind the other.
  let products: Promise<readonly Product[]> | null = null;
  const numbers = () => (products ??= Promise.all(merge.changes.map((change) => productOf(change, merge.base))));
  return new MergedBlob(merge, numbers, 0, elements(merge.base.dims));
}

class MergedBlob extends ComputedBlob {
  constructor(
    private readonly merge: Merge,
    private readonly products: () => Promise<readonly Product[]>,
    private readonly start: number,
    private readonly end: number,
  ) {
    super(BYTES * (end - start));
  }

  override slice(start = 0, end = this.size): Blob {
    if (start % BYTES !== 0 || end % BYTES !== 0)
      throw new RangeError(`Bytes ${start} to ${end} begin or end inside a number.`);
    const to = Math.min(this.end, this.start + end / BYTES);
    return new MergedBlob(this.merge, this.products, Math.min(to, this.start + start / BYTES), to);
  }

  protected override async *pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (this.end === this.start) return;
    const width = elements(this.merge.base.dims.slice(1));
    const [first, last] = [Math.floor(this.start / width), Math.ceil(this.end / width)];
    const rows = await baseRows(this.merge, [first * width, last * width]);
    for (const product of await this.products()) addProduct(rows, first, product, product.scale);
    if (!allFinite(rows)) throw runAway(this.merge);
    const values = rows.subarray(this.start - first * width, this.end - first * width);
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
}

function allFinite(values: Float32Array): boolean {
  let zero = 0;
  for (let at = 0; at < values.length; at += 1) zero += values[at]! * 0;
  return zero === 0;
}

function runAway({ base, changes }: Merge): EngineError {
  const names = changes.map(({ name }) => name).join(' and ');
  return invalidLora(
    `With the LoRA ${names} the model’s weights are no numbers any more. Give it a smaller weight, or remove it.`,
    base.name,
  );
}

/** Some of the weight's elements, as f32 that may be written to. */
async function baseRows(
  { base: { name, dataType, dims, range }, open }: Merge,
  [start, end]: readonly [number, number],
): Promise<Float32Array<ArrayBuffer>> {
  if (!range) throw new Error(`${name} lies in no file.`);
  const { offset, length, transposed, scale } = range;
  const count = elements(dims);
  const bytes = length / count;
  const [from, to] = transposed ? [0, length] : [start * bytes, end * bytes];
  const blob = await open(range.location ?? '');
  const stored = await bytesOf(blob.slice(offset + from, offset + to));
  const file = scale && (await open(scale.location ?? ''));
  const scales = file && (await scalesOf({ ...scale, file }, { count, transposed }, [start, end]));
  const part = transposed ? transposedPart(stored, transposed, [start, end]) : stored;
  if (part.buffer !== stored.buffer) release(stored);
  return floats(part, dataType, scales, start);
}

async function productOf(change: MergedChange, { dims }: Tensor): Promise<Product> {
  const { module, rank, name } = change;
  const [up, down, mid, alpha] = await Promise.all([
    numbersOf(change, module.up),
    numbersOf(change, module.down),
    module.mid && numbersOf(change, module.mid),
    module.alpha && numbersOf(change, module.alpha),
  ]);
  const width = elements(dims.slice(1));
  return {
    name,
    up,
    down: mid ? tuckerDown(mid, down, { rank, pixels: mid.length / rank / rank }) : down,
    rank,
    width,
    scale: change.weight * scaleOf(change, alpha?.[0] ?? null),
  };
}

/** α/rank, or 1 where nothing says it. */
function scaleOf({ alpha, rank }: LoraChange, stored: number | null): number {
  if (stored !== null) return stored / rank;
  return alpha ? alpha.value / (alpha.byRoot ? Math.sqrt(rank) : rank) : 1;
}

async function numbersOf({ file, name }: MergedChange, tensor: StoredTensor): Promise<Float32Array> {
  const { dtype, offset, length } = tensor;
  let bytes;
  try {
    bytes = await bytesOf(file.slice(offset, offset + length));
  } catch (cause) {
    throw goneLora(name, cause);
  }
  return floats(bytes, ELEMENT_TYPES[dtype] ?? NaN);
}

/** @param first number of the weight that `bytes` begin with. */
function floats(
  bytes: Uint8Array<ArrayBuffer>,
  from: number,
  scales?: Scales,
  first?: number,
): Float32Array<ArrayBuffer> {
  const wide = from === FLOAT ? bytes : convert(bytes, { from, to: FLOAT }, scales, first);
  if (wide.buffer !== bytes.buffer) release(bytes);
  return new Float32Array(wide.buffer, wide.byteOffset, wide.byteLength / BYTES);
}
