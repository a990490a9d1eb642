// Solves a small system of linear equations, A·x = b, by elimination with the largest pivot of each column.

/** @param matrix rows of A, square and regular. @param right b. */
export function solveLinear(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const size = rows.length;
  for (let column = 0; column < size; column += 1) {
    const below = rows.slice(column).map((row) => Math.abs(row[column]!));
    const pivot = column + below.indexOf(Math.max(...below));
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const top = rows[column]!;
    for (const row of rows) {
      if (row === top) continue;
      const factor = row[column]! / top[column]!;
      for (let at = column; at <= size; at += 1) row[at]! -= factor * top[at]!;
    }
  }
  return rows.map((row, i) => row[size]! / row[i]!);
}
