// The change that a LoRA makes of a weight, in numbers. ΔW = scale · up · down, [out, rank]·[rank, in·height·width].
// Where the kernel of a convolution lies between them (LyCORIS' Tucker form) it is multiplied into `down` first:
// down[p, (i,x,y)] = Σ_q mid[p, q, x, y]·down[q, i].

export interface LowRank {
  /** [out, rank]. */
  readonly up: Float32Array;
  /** [rank, width]. */
  readonly down: Float32Array;
  readonly rank: number;
  /** Of a row of the weight: in · height · width. */
  readonly width: number;
}

/**
 * Adds scale · up · down to some rows of a weight. Sums are in f64, each rounded to f32 as it is added.
 * @param rows [count, width], the weight's from its row `first`.
 */
export function addProduct(rows: Float32Array, first: number, { up, down, rank, width }: LowRank, scale: number): void {
  const count = rows.length / width;
  // Four rows by four ranks: each number of `down` that is read serves four sums.
  const [wholeRows, wholeRanks] = [count - (count % 4), rank - (rank % 4)];
  for (let row = 0; row < wholeRows; row += 4)
    for (let p = 0; p < wholeRanks; p += 4)
      addTile(rows, row * width, scale, { up, down, rank, width }, first + row, p);
  for (let row = 0; row < count; row += 1) {
    for (let p = row < wholeRows ? wholeRanks : 0; p < rank; p += 1) {
      const factor = scale * up[(first + row) * rank + p]!;
      const [to, from] = [row * width, p * width];
      for (let at = 0; at < width; at += 1) rows[to + at]! += factor * down[from + at]!;
    }
  }
}

function addTile(
  rows: Float32Array,
  to: number,
  scale: number,
  { up, down, rank, width }: LowRank,
  row: number,
  p: number,
): void {
  const u = new Float64Array(16);
  for (let at = 0; at < 16; at += 1) u[at] = scale * up[(row + (at >> 2)) * rank + p + (at & 3)]!;
  const [a0, a1, a2, a3] = [u[0]!, u[1]!, u[2]!, u[3]!];
  const [b0, b1, b2, b3] = [u[4]!, u[5]!, u[6]!, u[7]!];
  const [c0, c1, c2, c3] = [u[8]!, u[9]!, u[10]!, u[11]!];
  const [d0, d1, d2, d3] = [u[12]!, u[13]!, u[14]!, u[15]!];
  const from = p * width;
  for (let at = 0; at < width; at += 1) {
    const x0 = down[from + at]!;
    const x1 = down[from + width + at]!;
    const x2 = down[from + 2 * width + at]!;
    const x3 = down[from + 3 * width + at]!;
    rows[to + at]! += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3;
    rows[to + width + at]! += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3;
    rows[to + 2 * width + at]! += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3;
    rows[to + 3 * width + at]! += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3;
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
