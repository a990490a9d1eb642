// Operators that make one element of all along some axes.

import type { GraphNode } from '../file/model';
import { withoutAxes } from './axes';
import { axesOf } from './dims';
import { alike, inputShape, type Known, type Operators } from './operator';
import type { PartialValues } from './values';

export const REDUCTIONS: Operators = alike(
  ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceL2', 'ReduceSumSquare'],
  { shape: reduced, rows: (node, look) => withoutAxes(node, look, (node.attributes.get('keepdims')?.i ?? 1) !== 0) },
);

/** The axes that are reduced are kept with the size 1, or left out. Without a list, all are. */
function reduced(node: GraphNode, known: Known): PartialValues | null {
  const from = inputShape(node, known, 0);
  if (!from) return null;
  const given = axesOf(node, known) ?? [];
  if (given.includes(null) || (node.inputs[1] && given.length === 0)) return null;
  if (given.length === 0 && node.attributes.get('noop_with_empty_axes')?.i) return from;
  const axes = new Set(given.map((axis) => ((axis as number) + from.length) % from.length));
  const isReduced = (axis: number) => axes.size === 0 || axes.has(axis);
  const keeps = (node.attributes.get('keepdims')?.i ?? 1) !== 0;
  return from.flatMap((dim, axis) => (isReduced(axis) ? (keeps ? [1] : []) : [dim]));
}
