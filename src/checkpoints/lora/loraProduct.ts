// The change that a LoRA makes of a weight, in numbers. ΔW = scale · up · down, [out, rank]·[rank, in·height·width].
// Where the kernel of a convolution lies between them (LyCORIS' Tucker form) it is multiplied into `down` first:
// down[p, (i,x,y)] = Σ_q mid[p, q, x, y]·down[q, i].

import { COLUMNS, productKernel, ROWS } from './productKernel';

export interface LowRank {
  /** [out, rank]. */
  readonly up: Float32Array;
  /** [rank, width]. */
  readonly down: Float32Array;
  readonly rank: number;
  /** Of a row of the weight: in · height · width. */
  readonly width: number;
}

/** Floats of what is multiplied at once, some MB: of `down` one block of ranks, of the weight and of `up` some rows. */
const MOST_DOWN = 2 ** 21;
const MOST_ROWS = 2 ** 18;

/**
 * Adds scale · up · down to some rows of a weight. Sums are in f32, over as many ranks as are multiplied at once.
 * @param rows [count, width], the weight's from its row `first`.
 */
export function addProduct(rows: Float32Array, first: number, product: LowRank, scale: number): void {
  const { rank, width } = product;
  const columns = width - (width % COLUMNS);
  const ranks = Math.max(1, Math.min(rank, Math.floor(MOST_DOWN / width)));
  if (columns > 0)
    for (let from = 0; from < rank; from += ranks)
      addRanks(rows, first, product, { scale, from, to: Math.min(rank, from + ranks), columns });
  if (columns < width) addColumns(rows, first, product, scale, columns);
}

interface Ranks {
  readonly scale: number;
  readonly from: number;
  readonly to: number;
  /** A multiple of the kernel's. */
  readonly columns: number;
}

/** Some ranks of the product, to all columns but the last few. */
function addRanks(rows: Float32Array, first: number, { up, down, rank, width }: LowRank, of: Ranks): void {
  const { scale, from, to, columns } = of;
  const ranks = to - from;
  const count = rows.length / width;
  const most = Math.max(ROWS, Math.floor(MOST_ROWS / Math.max(width, ranks) / ROWS) * ROWS);
  const [upAt, rowsAt] = [ranks * columns, ranks * columns + most * ranks];
  const { floats, add } = kernelWith(rowsAt + most * width);
  for (let column = 0; column < columns; column += COLUMNS) {
    for (let p = 0; p < ranks; p += 1) {
      const [into, source] = [column * ranks + p * COLUMNS, (from + p) * width + column];
      for (let at = 0; at < COLUMNS; at += 1) floats[into + at] = down[source + at]!;
    }
  }
  for (let row = 0; row < count; row += most) {
    const end = Math.min(count, row + most);
    for (let at = row; at < end; at += 1) {
      const source = (first + at) * rank;
      floats.set(up.subarray(source + from, source + to), upAt + (at - row) * ranks);
    }
    floats.set(rows.subarray(row * width, end * width), rowsAt);
    // What stands behind the last row goes through the kernel too, and is not read.
    const whole = Math.ceil((end - row) / ROWS) * ROWS;
    add(4 * rowsAt, 4 * upAt, 0, whole, columns / COLUMNS, ranks, 4 * width, scale);
    rows.set(floats.subarray(rowsAt, rowsAt + (end - row) * width), row * width);
  }
}

/** The kernel with so many floats of memory. */
function kernelWith(count: number) {
  const { memory, add } = productKernel();
  const lacking = 4 * count - memory.buffer.byteLength;
  if (lacking > 0) memory.grow(Math.ceil(lacking / 2 ** 16));
  return { floats: new Float32Array(memory.buffer), add };
}

/** The product in f64, to the columns from `column` on. */
function addColumns(
  rows: Float32Array,
  first: number,
  { up, down, rank, width }: LowRank,
  scale: number,
  column: number,
): void {
  for (let row = 0; row < rows.length / width; row += 1) {
    for (let at = column; at < width; at += 1) {
      let sum = 0;
      for (let p = 0; p < rank; p += 1) sum += up[(first + row) * rank + p]! * down[p * width + at]!;
      rows[row * width + at]! += scale * sum;
    }
  }
}

/** @param mid [rank, rank, pixels]. @param down [rank, inputs]. @returns [rank, inputs · pixels]. */
export function tuckerDown(
  mid: Float32Array,
  down: Float32Array,
  { rank, pixels }: { readonly rank: number; readonly pixels: number },
): Float32Array {
  const inputs = down.length / rank;
  const wide = new Float32Array(rank * inputs * pixels);
  const sums = new Float64Array(inputs * pixels);
  for (let p = 0; p < rank; p += 1) {
    sums.fill(0);
    for (let q = 0; q < rank; q += 1) {
      for (let pixel = 0; pixel < pixels; pixel += 1) {
        const factor = mid[(p * rank + q) * pixels + pixel]!;
        for (let input = 0; input < inputs; input += 1)
          sums[input * pixels + pixel]! += factor * down[q * inputs + input]!;
      }
    }
    wide.set(sums, p * inputs * pixels);
  }
  return wide;
}
