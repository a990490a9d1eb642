// Which entries of an axis a Slice takes, by ONNX's rule: negative places count from the end, what lies outside is
// brought to the nearest end, and a negative step walks backwards.

export interface SliceRange {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/** null for the step 0, which is not allowed. */
export function sliceRange(size: number, start: number, end: number, step: number): SliceRange | null {
  if (step === 0) return null;
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
  const within = (place: number, lowest: number) => Math.min(most, Math.max(lowest, place < 0 ? place + size : place));
  const [first, last] = [within(start, Math.max(least, 0)), within(end, least)];
  return { first, step, count: Math.max(0, Math.ceil((last - first) / step)) };
}
