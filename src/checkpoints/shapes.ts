// Names of parameters, in diffusers' words, with their shapes: what configs are read from, and what they are held to.

export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Far above every published model's: levels of a network, resnets of a level, transformers behind one another. */
export const MOST = { levels: 8, layers: 8, depth: 64 } as const;

/**
 * How many of the names for 0, 1, 2, … are there, without a gap. No further than one above `most`: files are not to
 * decide how much is made of them.
 */
export function countOf(shapes: Shapes, most: number, name: (at: number) => string): number {
  let count = 0;
  while (count <= most && shapes.has(name(count))) count += 1;
  return count;
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
