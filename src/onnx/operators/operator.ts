// What is known of one operator, in one record: a graph's facts, the types of its values, its cost and the freeing of
// its batch are loops over such records. What a record leaves out is not known.

import type { GraphNode } from '../file/model';
import type { RebatchRule, RowRule } from './rows';
import type { PartialValues } from './values';

/** What is known of values where a node stands, by name. */
export interface Known {
  readonly shapes: ReadonlyMap<string, PartialValues>;
  /** Small numeric values; what has one is never longer than its shape says. */
  readonly values: ReadonlyMap<string, PartialValues>;
  /** TensorProto.DataType. */
  readonly types: ReadonlyMap<string, number>;
}

export interface Operator {
  /** Of the first output, as far as it follows from the inputs; sizes that are not known are null. */
  readonly shape?: (node: GraphNode, known: Known) => PartialValues | null;
  /** Shapes of the outputs behind the first, by their place; where there is none, nothing is known. */
  readonly further?: (node: GraphNode, known: Known) => readonly (PartialValues | null | undefined)[];
  /** Entries of the first output, flattened. */
  readonly values?: (node: GraphNode, known: Known) => PartialValues | null;
  /** TensorProto.DataType of an output, by its place; most have that of the first input, and leave it out. */
  readonly elemType?: (node: GraphNode, types: Known['types'], output: number) => number | undefined;
  /** It makes weights, or keeps one a weight: what is read of its shape is read of a weight's. */
  readonly weight?: 'makes' | 'keeps';
  /**
   * Multiply-accumulates of one node, null where a size that they need is not known; what leaves them out is small
   * beside products. `dims` has the sizes of an input or output.
   */
  readonly cost?: (node: GraphNode, dims: (value: string | undefined) => readonly number[] | null) => number | null;
  /** Where rows lie behind it. One without this and without `rebatch` is not known to treat each row by itself. */
  readonly rows?: RowRule;
  readonly rebatch?: RebatchRule;
  /** Outputs behind the first that hold the rows where the first one does. */
  readonly rowOutputs?: readonly number[] | 'all';
  /** Inputs behind the first may count rows. */
  readonly readsCounts?: true;
  /** What it makes is one number over and over: always, or where all its inputs are. */
  readonly uniform?: 'always' | 'ofUniform';
}

/** Operators by their opType. */
export type Operators = Readonly<Record<string, Operator>>;

/** The same record for several operators. */
export function alike(opTypes: readonly string[], operator: Operator): Operators {
  return Object.fromEntries(opTypes.map((opType) => [opType, operator]));
}

export function inputShape(node: GraphNode, { shapes }: Known, index: number): PartialValues | null {
  return shapes.get(node.inputs[index] ?? '') ?? null;
}

export function inputValues(node: GraphNode, { values }: Known, index: number): PartialValues | null {
  return values.get(node.inputs[index] ?? '') ?? null;
}

/** The shape of the first input. */
export function sameShape(node: GraphNode, known: Known): PartialValues | null {
  return inputShape(node, known, 0);
}
