// Files whose weights and activations are int8, as ones whose weights alone are: what ONNX Runtime's quantizers write
// around a product goes, and activations stay floats.
//
//   DynamicQuantizeLinear(x) ─ MatMulInteger|ConvInteger(·, W) ─ Cast ─ Mul(·, scale of x · scale of W)   (dynamic)
//   x ─ QuantizeLinear ─ DequantizeLinear ─ …                                                             (static, QDQ)
//
// become MatMul|Conv(x, DequantizeLinear(W)), and x. The first measures one scale over all rows, so a row's prediction
// would depend on the rows beside it, the perturbed ones too. WebGPU has no kernels for these operators, but has
// DequantizeLinear. Rounding of activations is what the file lost against its original: this is nearer to that.

import { inFloats } from './inFloats';
import { makeNode, withInputs, withOpType } from '../file/makeNode';
import type { Model, GraphNode, Tensor } from '../file/model';
import { readsOf } from '../file/order';

const PRODUCTS: Readonly<Record<string, string>> = { MatMulInteger: 'MatMul', ConvInteger: 'Conv' };
/** Of all operators that quantizers write. */
const INTEGERS = /^(Q(Linear|Attention|Gemm|OrderedM)|DynamicQuantize|(MatMul|Conv)Integer|QuantizeLinear$)/;
/** Operators that move numbers: of integers they do what they do of the floats for which these stand. */
const MOVES = new Set([
  'Transpose',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  'Slice',
  'Gather',
  'Expand',
  'Split',
]);

/** What a QuantizeLinear makes, or what is moved of it. */
interface RoundedValue {
  /** The floats that were rounded. */
  readonly x: string;
  /** Scale and zero point. */
  readonly parameters: readonly string[];
}

/** Operators that compute with integers that stand for floats, each once; weights alone may be such. */
export function integerOperators({ nodes }: Model): readonly string[] {
  return [...new Set(nodes.map(({ opType }) => opType).filter((opType) => INTEGERS.test(opType)))];
}

/** Pure. Products in another arrangement stay as they are. */
export function floatActivations(model: Model): Model {
  if (integerOperators(model).length === 0) return model;
  const weights = model.initializers;
  const nodes = model.nodes.flatMap((node) => inFloats(node, weights));
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const kept = new Set([...model.outputs.map(({ name }) => name), ...nodes.flatMap(({ captured }) => captured)]);
  const rounded = new Map<string, RoundedValue>();
  /** Values that are gone, and what stands for them. */
  const sources = new Map<string, string>();
  const added = new Map<string, Tensor>();
  const changed = nodes.flatMap((written) => {
    const inputs = written.inputs.map((input) => sources.get(input) ?? input);
    const node = written.inputs.some((input) => sources.has(input)) ? withInputs(written, inputs) : written;
    const output = node.outputs[0] ?? '';
    const [first = '', ...others] = node.inputs;
    if (node.opType === 'QuantizeLinear' && !weights.has(first)) {
      rounded.set(output, { x: first, parameters: others });
      return [node];
    }
    if (node.opType === 'DynamicQuantizeLinear') {
      rounded.set(output, { x: first, parameters: node.outputs.slice(1) });
      return [node];
    }
    const value = rounded.get(first);
    if (value && node.opType === 'DequantizeLinear' && value.parameters.every((name, at) => name === others[at])) {
      if (kept.has(output)) return [makeNode({ name: node.name, opType: 'Identity' }, [value.x], [output])];
      sources.set(output, value.x);
      return [];
    }
    if (value && node.domain === '' && MOVES.has(node.opType) && isScalar(weights.get(value.parameters[0] ?? ''))) {
      const floats = node.outputs.map((name) => `${name}.exact`);
      node.outputs.forEach((name, at) => rounded.set(name, { ...value, x: floats[at] ?? '' }));
      return [node, withOpType(node, node.opType, [value.x, ...others], floats)];
    }
    const found = scaledProduct(node, producers, weights);
    return found ? product({ ...found, x: sources.get(found.x) ?? found.x }, output, added) : [node];
  });
  return {
    ...model,
    nodes: withoutUnread(changed, model),
    initializers: added.size === 0 ? weights : new Map([...weights, ...added]),
  };
}

function isScalar(tensor: Tensor | undefined): boolean {
  return tensor?.dims.every((dim) => dim === 1) ?? false;
}

interface ScaledProduct {
  readonly node: GraphNode;
  readonly x: string;
  readonly weight: string;
  readonly scale: Tensor;
  /** '' for none. */
  readonly zero: string;
  /** Of the weight; each of its entries has a scale, unless there is one for all. */
  readonly axis: number;
}

/** What a Mul by both scales multiplies; null where it is no such Mul. */
function scaledProduct(
  mul: GraphNode,
  producers: ReadonlyMap<string, GraphNode>,
  weights: ReadonlyMap<string, Tensor>,
): ScaledProduct | null {
  if (mul.opType !== 'Mul') return null;
  for (const [value = '', factor = ''] of [mul.inputs, [...mul.inputs].reverse()]) {
    const cast = producers.get(value);
    const node = producers.get(cast?.inputs[0] ?? '');
    const scales = producers.get(factor);
    if (cast?.opType !== 'Cast' || !node || !(node.opType in PRODUCTS) || scales?.opType !== 'Mul') continue;
    const [quantized = '', weight = '', zeroOfX = '', zero = ''] = node.inputs;
    const quantize = producers.get(quantized);
    if (quantize?.opType !== 'DynamicQuantizeLinear' || zeroOfX !== quantize.outputs[2]) continue;
    const scale = scales.inputs.find((input) => input !== quantize.outputs[1]) ?? '';
    if (!scales.inputs.includes(quantize.outputs[1] ?? '')) continue;
    const axis = scaledAxis(
      node,
      [weight, scale, zero].map((name) => weights.get(name)),
      zero,
    );
    const scaleTensor = weights.get(scale);
    if (axis === null || !scaleTensor) continue;
    return { node, x: quantize.inputs[0] ?? '', weight, scale: scaleTensor, zero, axis };
  }
  return null;
}

/**
 * The axis of a weight whose entries have a scale each, and a zero point, as DequantizeLinear takes them: a column of a
 * matrix, a filter of a convolution. 0 too where one scale is for all; null for another arrangement.
 */
function scaledAxis(
  { opType }: GraphNode,
  [weight, scale, zero]: readonly (Tensor | undefined)[],
  zeroName: string,
): number | null {
  if (!weight || !scale || (zeroName !== '' && !zero)) return null;
  const count = entries(scale);
  const zeros = zero ? entries(zero) : count;
  if (zeros !== count || (zero && zero.dims.length > 1)) return null;
  if (count === 1) return scale.dims.length < 2 && (!zero || zero.dims.length === scale.dims.length) ? 0 : null;
  // The scale is multiplied with the product: its entries lie where the product's columns or channels do.
  const isFilters = count === weight.dims[0] && scale.dims.at(1 - weight.dims.length) === count && !scale.encoded;
  if (opType === 'ConvInteger') return isFilters ? 0 : null;
  return weight.dims.length === 2 && scale.dims.length === 1 && count === weight.dims[1] ? 1 : null;
}

function product(
  { node, x, weight, scale, zero, axis }: ScaledProduct,
  output: string,
  added: Map<string, Tensor>,
): GraphNode[] {
  const floats = `${output}.weight`;
  const flat = scale.dims.length > 1 ? { ...scale, name: `${output}.scale`, dims: [entries(scale)] } : scale;
  if (flat !== scale) added.set(flat.name, flat);
  const inputs = zero === '' ? [weight, flat.name] : [weight, flat.name, zero];
  return [
    makeNode({ name: floats, opType: 'DequantizeLinear' }, inputs, [floats], { axis: { int: axis } }),
    withOpType(node, PRODUCTS[node.opType] ?? '', [x, floats], [output]),
  ];
}

function entries({ dims }: Tensor): number {
  return dims.reduce((all, dim) => all * dim, 1);
}

function withoutUnread(nodes: readonly GraphNode[], { outputs }: Model): GraphNode[] {
  const read = new Set(outputs.map(({ name }) => name));
  const kept = nodes.toReversed().filter((node) => {
    const needed = node.outputs.some((output) => read.has(output));
    if (needed) for (const input of readsOf(node)) read.add(input);
    return needed;
  });
  return kept.reverse();
}
