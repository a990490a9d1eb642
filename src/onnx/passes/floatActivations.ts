// Files whose weights and activations are int8, as ones whose weights alone are: what ONNX Runtime's quantizers write
// around a product goes, and activations stay floats.
//
//   DynamicQuantizeLinear(x) ─ MatMulInteger|ConvInteger(·, W) ─ Cast ─ Mul(·, scale of x · scale of W)   (dynamic)
//   x ─ QuantizeLinear ─ DequantizeLinear ─ …                                                             (static, QDQ)
//
// become MatMul|Conv(x, DequantizeLinear(W)), and x. The first measures one scale over all rows, so a row's prediction
// would depend on the rows beside it, the perturbed ones too. WebGPU has no kernels for these operators, but has
// DequantizeLinear. Rounding of activations is what the file lost against its original: this is nearer to that.

import { makeNode, withInputs, withOpType } from '../file/makeNode';
import type { Model, Node, Tensor } from '../file/model';
import { readsOf } from '../file/order';

const PRODUCTS: Readonly<Record<string, string>> = { MatMulInteger: 'MatMul', ConvInteger: 'Conv' };

/** Pure. Products in another arrangement stay as they are. */
export function floatActivations(model: Model): Model {
  const { nodes } = model;
  if (!nodes.some(({ opType }) => opType in PRODUCTS || opType === 'QuantizeLinear')) return model;
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const kept = new Set([...model.outputs.map(({ name }) => name), ...nodes.flatMap(({ captured }) => captured)]);
  const sources = new Map<string, string>();
  const changed = nodes.flatMap((node) => {
    const source = roundedSource(node, producers, model.initializers);
    const output = node.outputs[0] ?? '';
    if (source !== null && !kept.has(output)) {
      sources.set(output, sources.get(source) ?? source);
      return [];
    }
    const found = source === null ? scaledProduct(node, producers, model.initializers) : null;
    const made =
      source !== null
        ? [makeNode({ name: node.name, opType: 'Identity' }, [source], [output])]
        : found
          ? product(found, output)
          : [node];
    return made.map((one) =>
      one.inputs.some((input) => sources.has(input))
        ? withInputs(
            one,
            one.inputs.map((input) => sources.get(input) ?? input),
          )
        : one,
    );
  });
  return { ...model, nodes: withoutUnread(changed, model) };
}

interface ScaledProduct {
  readonly node: Node;
  readonly x: string;
  /** Quantized weight, its scale and its zero point. */
  readonly weight: readonly string[];
}

/** What a Mul by both scales multiplies; null where it is no such Mul. */
function scaledProduct(
  mul: Node,
  producers: ReadonlyMap<string, Node>,
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
    if (
      !scales.inputs.includes(quantize.outputs[1] ?? '') ||
      !isPerColumn(
        node,
        [weight, scale, zero].map((name) => weights.get(name)),
        zero,
      )
    )
      continue;
    return { node, x: quantize.inputs[0] ?? '', weight: zero === '' ? [weight, scale] : [weight, scale, zero] };
  }
  return null;
}

/** One scale for all, or one a column of a matrix, and zero points of the same shape: what DequantizeLinear takes. */
function isPerColumn(
  { opType }: Node,
  [weight, scale, zero]: readonly (Tensor | undefined)[],
  zeroName: string,
): boolean {
  if (!weight || !scale || (zeroName !== '' && String(zero?.dims) !== String(scale.dims))) return false;
  if (scale.dims.every((dim) => dim === 1)) return scale.dims.length < 2;
  return (
    opType === 'MatMulInteger' &&
    weight.dims.length === 2 &&
    scale.dims.length === 1 &&
    scale.dims[0] === weight.dims[1]
  );
}

function product({ node, x, weight }: ScaledProduct, output: string): Node[] {
  const floats = `${output}.weight`;
  return [
    // Its axis is 1 by default: the columns.
    makeNode({ name: floats, opType: 'DequantizeLinear' }, weight, [floats]),
    withOpType(node, PRODUCTS[node.opType] ?? '', [x, floats], [output]),
  ];
}

/** What a DequantizeLinear gives back, where it undoes a QuantizeLinear of an activation; null for another node. */
function roundedSource(
  { opType, inputs }: Node,
  producers: ReadonlyMap<string, Node>,
  weights: ReadonlyMap<string, Tensor>,
): string | null {
  const quantize = opType === 'DequantizeLinear' ? producers.get(inputs[0] ?? '') : undefined;
  const [x = '', ...parameters] = quantize?.inputs ?? [];
  if (
    quantize?.opType !== 'QuantizeLinear' ||
    weights.has(x) ||
    parameters.some((name, index) => name !== inputs[index + 1])
  )
    return null;
  return x;
}

function withoutUnread(nodes: readonly Node[], { outputs }: Model): Node[] {
  const read = new Set(outputs.map(({ name }) => name));
  const kept = nodes.toReversed().filter((node) => {
    const needed = node.outputs.some((output) => read.has(output));
    if (needed) for (const input of readsOf(node)) read.add(input);
    return needed;
  });
  return kept.reverse();
}
