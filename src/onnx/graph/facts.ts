// What can be known of a graph's values without running it, in one pass over the nodes: small numeric values (the
// targets of Reshapes, scale factors), shapes as far as they do not depend on the inputs' sizes, element types, and
// which values are weights. Exporters compute Reshape targets from Shape nodes: heads and head size hide there.

import { FLOAT, type Model, type GraphNode, type Tensor, type ValueInfo } from '../file/model';
import type { Known, Operator } from '../operators/operator';
import { operatorOf } from '../operators/table';
import { LIMIT, product, tensorValues, type PartialValues } from '../operators/values';

export interface Facts extends Known {
  /** Of every value; where neither operator nor file tell, that of the first input. */
  readonly types: ReadonlyMap<string, number>;
  /** Shapes of weights and constants, also behind a Cast or a Transpose. */
  readonly weights: ReadonlyMap<string, readonly number[]>;
}

/** Facts that grow, node by node in topological order. */
export interface GrowingFacts extends Facts {
  readonly values: Map<string, PartialValues>;
  readonly shapes: Map<string, PartialValues>;
  readonly types: Map<string, number>;
  readonly weights: Map<string, readonly number[]>;
}

const MAX_RANK = 8;

/**
 * Pure. The model's nodes must be in topological order.
 * @param inputDims sizes to assume of inputs, by name, in the place of what the model declares.
 */
export function inferFacts(model: Model, inputDims: ReadonlyMap<string, PartialValues> = new Map()): Facts {
  const facts = firstFacts(model, inputDims);
  for (const node of model.nodes) learn(facts, node, model.valueInfo);
  return facts;
}

/** What is known before the first node. */
export function firstFacts(
  { initializers, inputs }: Pick<Model, 'initializers' | 'inputs'>,
  inputDims: ReadonlyMap<string, PartialValues>,
): GrowingFacts {
  const facts: GrowingFacts = { values: new Map(), shapes: new Map(), types: new Map(), weights: new Map() };
  for (const [name, weight] of initializers) learnWeight(facts, name, weight);
  for (const { name, elemType, dims } of inputs) {
    setShape(facts, name, inputDims.get(name) ?? numbersOf(dims));
    facts.types.set(name, elemType);
  }
  return facts;
}

export function learnWeight(facts: GrowingFacts, name: string, weight: Tensor): void {
  facts.weights.set(name, weight.dims);
  setShape(facts, name, weight.dims);
  facts.types.set(name, weight.dataType);
  const known = tensorValues(weight);
  if (known) facts.values.set(name, known);
}

/** Adds what is known of a node's outputs; `declared` fills in what does not follow from its inputs. */
export function learn(facts: GrowingFacts, node: GraphNode, declared: ReadonlyMap<string, ValueInfo>): void {
  const operator = operatorOf(node);
  learnTypes(facts, node, operator, declared);
  const output = node.outputs[0];
  if (!output) return;
  const computed = operator.shape?.(node, facts) ?? null;
  if (operator.weight === 'makes' || (operator.weight === 'keeps' && facts.weights.has(node.inputs[0] ?? ''))) {
    if (computed)
      facts.weights.set(
        output,
        computed.map((dim) => dim ?? 0),
      );
  }
  setShape(facts, output, known(computed, numbersOf(declared.get(output)?.dims)));
  const further = operator.further?.(node, facts) ?? [];
  for (let index = 1; index < further.length; index += 1) setShape(facts, node.outputs[index] ?? '', further[index]);
  const found = operator.values?.(node, facts);
  // Entries without their shape may be those of another: operands of one length can be a row and a column.
  if (found && found.length <= LIMIT && product(facts.shapes.get(output) ?? [null]) === found.length)
    facts.values.set(output, found);
}

/** What a file declares counts only where it does not follow: on integers hangs what a quotient is. */
function learnTypes(
  { types }: GrowingFacts,
  node: GraphNode,
  { elemType }: Operator,
  declared: ReadonlyMap<string, ValueInfo>,
): void {
  const first = types.get(node.inputs[0] ?? '');
  for (const [index, output] of node.outputs.entries()) {
    if (output === '') continue;
    const inferred = elemType ? elemType(node, types, index) : first;
    types.set(output, inferred ?? declared.get(output)?.elemType ?? first ?? FLOAT);
  }
}

function setShape(facts: GrowingFacts, name: string, shape: PartialValues | null | undefined): void {
  if (shape && shape.length <= MAX_RANK) facts.shapes.set(name, shape);
}

function numbersOf(dims: readonly (number | string)[] | null | undefined): PartialValues | undefined {
  return dims?.map((dim) => (typeof dim === 'number' ? dim : null));
}

/** `computed`, and what `declared` knows beyond it. */
function known(computed: PartialValues | null, declared: PartialValues | undefined): PartialValues | null {
  if (!computed || !declared || computed.length !== declared.length) return declared && !computed ? declared : computed;
  return computed.map((dim, axis) => dim ?? declared[axis] ?? null);
}
