// What can be known of a graph's values without running it, in one pass over the nodes: small numeric values (the
// targets of Reshapes, scale factors), shapes as far as they do not depend on the inputs' sizes, and which values
// are weights. Exporters compute Reshape targets from Shape nodes: heads and head size hide there.

import { isInteger } from '../operators/cast';
import { type Model, type Node, type Tensor, type ValueInfo } from '../file/model';
import { furtherOutputs, furtherShape } from '../operators/shapeRules';
import { shapeOf, splitShapes } from '../operators/shapes';
import { LIMIT, product, tensorValues, valuesOf, type PartialValues } from '../operators/values';

export interface Facts {
  readonly values: ReadonlyMap<string, PartialValues>;
  readonly shapes: ReadonlyMap<string, PartialValues>;
  /** Shapes of weights and constants, also behind a Cast or a Transpose. */
  readonly weights: ReadonlyMap<string, readonly number[]>;
}

/** Facts that grow, node by node in topological order. */
export interface GrowingFacts extends Facts {
  readonly values: Map<string, PartialValues>;
  readonly shapes: Map<string, PartialValues>;
  readonly weights: Map<string, readonly number[]>;
  /** Values of an integer type: their quotients are integers too. */
  readonly integers: Set<string>;
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
  const facts: GrowingFacts = { values: new Map(), shapes: new Map(), weights: new Map(), integers: new Set() };
  for (const [name, weight] of initializers) learnWeight(facts, name, weight);
  for (const { name, elemType, dims } of inputs) {
    setShape(facts, name, inputDims.get(name) ?? numbersOf(dims));
    if (isInteger(elemType)) facts.integers.add(name);
  }
  return facts;
}

export function learnWeight(facts: GrowingFacts, name: string, weight: Tensor): void {
  facts.weights.set(name, weight.dims);
  setShape(facts, name, weight.dims);
  const known = tensorValues(weight);
  if (known) facts.values.set(name, known);
  if (isInteger(weight.dataType)) facts.integers.add(name);
}

/** Adds what is known of a node's outputs; `declared` fills in what does not follow from its inputs. */
export function learn(facts: GrowingFacts, node: Node, declared: ReadonlyMap<string, ValueInfo>): void {
  const output = node.outputs[0];
  if (!output) return;
  const { values, shapes, weights, integers } = facts;
  const weight = weightShape(node, weights.get(node.inputs[0] ?? ''));
  if (weight) weights.set(output, weight);
  if (node.opType === 'Split')
    splitShapes(node, shapes, values).forEach((shape, index) => setShape(facts, node.outputs[index] ?? '', shape));
  else
    setShape(
      facts,
      output,
      weight ??
        known(
          shapeOf(node, shapes, values) ?? furtherShape(node, shapes, values),
          numbersOf(declared.get(output)?.dims),
        ),
    );
  for (const [name, shape] of furtherOutputs(node, shapes)) setShape(facts, name, shape);
  const found = valuesOf(node, values, shapes, integers);
  // Entries without their shape may be those of another: operands of one length can be a row and a column.
  if (found && found.length <= LIMIT && product(shapes.get(output) ?? [null]) === found.length)
    values.set(output, found);
  if (makesIntegers(node, integers))
    for (const one of node.opType === 'Split' ? node.outputs : [output]) integers.add(one);
}

function setShape(facts: GrowingFacts, name: string, shape: PartialValues | null | undefined): void {
  if (shape && shape.length <= MAX_RANK) facts.shapes.set(name, shape);
}

function numbersOf(dims: readonly (number | string)[] | null | undefined): PartialValues | undefined {
  return dims?.map((dim) => (typeof dim === 'number' ? dim : null));
}

function makesIntegers(node: Node, integers: ReadonlySet<string>): boolean {
  switch (node.opType) {
    case 'Shape':
    case 'Size':
      return true;
    case 'Cast':
      return isInteger(node.attributes.get('to')?.i ?? 0);
    case 'Constant':
      return (
        node.attributes.has('value_int') ||
        node.attributes.has('value_ints') ||
        isInteger(node.attributes.get('value')?.tensor?.dataType ?? 0)
      );
    case 'ConstantOfShape':
      return isInteger(node.attributes.get('value')?.tensor?.dataType ?? 0);
    case 'DequantizeLinear':
      return false;
    case 'Where':
    case 'CastLike':
      return integers.has(node.inputs[1] ?? '');
    default:
      return integers.has(node.inputs[0] ?? '');
  }
}

function weightShape(node: Node, from: readonly number[] | undefined): readonly number[] | null {
  if (node.opType === 'Constant') return constantDims(node);
  if (!from) return null;
  if (node.opType === 'Cast' || node.opType === 'Identity' || node.opType === 'DequantizeLinear') return from;
  if (node.opType !== 'Transpose') return null;
  const perm = node.attributes.get('perm')?.ints ?? [];
  return perm.length > 0 ? perm.map((axis) => from[axis] ?? 0) : [...from].reverse();
}

/** null for what is not read, such as texts and sparse tensors. */
function constantDims({ attributes }: Node): readonly number[] | null {
  const tensor = attributes.get('value')?.tensor;
  if (tensor) return tensor.dims;
  const ints = attributes.get('value_ints');
  if (ints) return [ints.ints.length];
  return attributes.has('value_int') || attributes.has('value_float') ? [] : null;
}

/** `computed`, and what `declared` knows beyond it. */
function known(computed: PartialValues | null, declared: PartialValues | undefined): PartialValues | null {
  if (!computed || !declared || computed.length !== declared.length) return declared && !computed ? declared : computed;
  return computed.map((dim, axis) => dim ?? declared[axis] ?? null);
}
