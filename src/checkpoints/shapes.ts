// Names of parameters, in diffusers' words, with their shapes: what configs are read from, and what they are held to.

export type Shapes = ReadonlyMap<string, readonly number[]>;

/** How many of the names for 0, 1, 2, … are there, without a gap. */
export function countOf(shapes: Shapes, name: (at: number) => string): number {
  let count = 0;
  while (shapes.has(name(count))) count += 1;
  return count;
}
