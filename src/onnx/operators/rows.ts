// Where the rows of a batch lie in a value. A value of a UNet either is the same for every row, or holds one part a
// row: along `axis` row r has the entries r·each … (r+1)·each. (`each` is 1 for [B, tokens, channels], the number of
// heads for [B·heads, tokens, dim].) Such a part depends on nothing but its own row of the inputs.

import type { GraphNode } from '../file/model';
import { axisOf } from './dims';
import type { PartialValues } from './values';

export interface Rows {
  readonly axis: number;
  readonly each: number;
}

/** Why a graph's batch stays as it is; never leaves passes/freeBatch. */
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

/**
 * Where rows lie behind an operator that treats each row by itself. A rule looks at every input that holds rows; rows
 * at an input that it does not name end in Unfree: what would mix rows (a sum over the batch, a scale that is measured
 * over all of it) must never pass as row by row.
 */
export type RowRule = (node: GraphNode, look: Look) => Rows;

export interface Rebatched {
  readonly node: GraphNode;
  readonly rows: Rows;
}

/**
 * The same for an operator that carries sizes as constants, with the node as it must be for any number of rows. A
 * constant is replaced only by what equals it at the batch that the graph was exported with, so that there the graph
 * stays the same. Rows must stay whole and in order.
 *
 *   Reshape [2, 64, 320]   → [−1, 64, 320]     Expand [2, 4]      → [1, 4]: the rows are there already
 *   Slice 0:2 of the rows  → all of them       Resize to [2, …]   → to [rows, …]
 *   an Add of zeros [16, 64, 64] to rows       → of the first of them, [1, 64, 64]
 */
export type RebatchRule = (node: GraphNode, look: Look, make: Maker) => Rebatched;

export function mixes(node: GraphNode): Unfree {
  return new Unfree(`${node.opType} ${node.name} is not known to treat each row by itself`);
}

/** The rows of the inputs at `operands`, which all must have them alike; other inputs must have none. */
export function sameRows(node: GraphNode, look: Look, operands: readonly number[] | 'all'): Rows {
  let found: Rows | null = null;
  for (const [index, name] of node.inputs.entries()) {
    const rows = name === '' ? null : look.rows(name);
    if ((operands === 'all' || operands.includes(index)) && name !== '') {
      if (!rows || (found && (found.axis !== rows.axis || found.each !== rows.each))) throw mixes(node);
      found = rows;
    } else if (rows) throw mixes(node);
  }
  if (!found) throw mixes(node);
  return found;
}

export function firstAxis(node: GraphNode, look: Look, operands: readonly number[]): Rows {
  const rows = sameRows(node, look, operands);
  if (rows.axis !== 0) throw mixes(node);
  return rows;
}

/** All inputs with rows have equally many entries a row. */
export function eachOf(node: GraphNode, look: Look): number {
  const each = new Set(node.inputs.flatMap((name) => look.rows(name)?.each ?? []));
  const [first] = each;
  if (each.size !== 1 || first === undefined) throw mixes(node);
  return first;
}

/** Each row is one entry of axis 0; what else the operator reads is the same for all. */
export const onFirstAxis: RowRule = (node, look) => firstAxis(node, look, [0]);

/** The operator mixes the axes from `axis` on; rows lie before these. */
export const before =
  (axis: number, operands: readonly number[]): RowRule =>
  (node, look) => {
    const rows = sameRows(node, look, operands);
    const from = node.attributes.get('axis')?.i ?? axis;
    const rank = look.shape(node.inputs[0] ?? '').length;
    if (rows.axis >= Math.min(axisOf(from, rank), rank - 1)) throw mixes(node);
    return rows;
  };
