// Where the rows of a batch lie in a value. A value of a UNet either is the same for every row, or holds one part a
// row: along `axis` row r has the entries r·each … (r+1)·each. (`each` is 1 for [B, tokens, channels], the number of
// heads for [B·heads, tokens, dim].) Such a part depends on nothing but its own row of the inputs.

import type { PartialValues } from '../../operators/values';

export interface Rows {
  readonly axis: number;
  readonly each: number;
}

/** Why a graph's batch stays as it is; never leaves ./freeBatch. */
export class Unfree extends Error {}

/** What is known where a node stands, at the batch that the graph was exported with. */
export interface Look {
  readonly batch: number;
  /** null for what is the same for every row. */
  rows(value: string): Rows | null;
  /** @throws Unfree where not even the rank is known. */
  shape(value: string): PartialValues;
  /** Entries of a small constant; null for anything else, counts of rows among it. */
  constant(value: string): PartialValues | null;
  /** Entries of a small value that may count rows, and what they are with `probe.batch` rows. */
  counts(value: string): { readonly now: PartialValues; readonly then: PartialValues } | null;
  /** Whether all entries of a value are the same number, whatever its shape. */
  isUniform(value: string): boolean;
  readonly probe: number;
}

/** Adds small values to the graph, in front of the node that reads them; returns their names. */
export interface Maker {
  integers(values: readonly number[]): string;
  /** A shape: `dims`, and rows·`each` on the axis of the rows. */
  shapeOf(dims: PartialValues, rows: Rows): string;
  /** The first entry of `value` along `axis`, which stays as an axis of size 1. */
  first(value: string, axis: number): string;
}
