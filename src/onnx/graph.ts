// Index over a graph: who makes a value, who reads it, and what can be known of small integer values and shapes
// without running anything (exporters compute Reshape targets from Shape nodes; heads and head size hide there).

import { DOUBLE, FLOAT, FLOAT16, INT32, INT64, type Model, type Node, type Tensor } from './model';

/** A value's entries, flattened; null where an entry is not known before the graph runs. */
export type PartialValues = readonly (number | null)[];

const LIMIT = 64;

export class Graph {
  readonly producers = new Map<string, Node>();
  readonly consumers = new Map<string, Node[]>();
  readonly graphInputs: ReadonlySet<string>;
  private readonly valueCache = new Map<string, PartialValues | null>();

  constructor(readonly model: Model) {
    for (const node of model.nodes) {
      for (const output of node.outputs) if (output) this.producers.set(output, node);
      for (const input of readsOf(node)) {
        const list = this.consumers.get(input);
        if (list) list.push(node);
        else this.consumers.set(input, [node]);
      }
    }
    this.graphInputs = new Set(model.inputs.map((input) => input.name));
  }

  readers(value: string): readonly Node[] {
    return this.consumers.get(value) ?? [];
  }

  /** The shape of a weight or constant, null for anything else. */
  weightDims(value: string): readonly number[] | null {
    const weight = this.model.initializers.get(value);
    if (weight) return weight.dims;
    const producer = this.producers.get(value);
    if (producer?.opType === 'Constant') return producer.attributes.get('value')?.tensor?.dims ?? [];
    if (producer && (producer.opType === 'Cast' || producer.opType === 'Identity')) return this.weightDims(producer.inputs[0] ?? '');
    if (producer?.opType === 'Transpose') {
      const dims = this.weightDims(producer.inputs[0] ?? '');
      const perm = producer.attributes.get('perm')?.ints;
      if (!dims) return null;
      return perm ? perm.map((axis) => dims[axis] ?? 0) : [...dims].reverse();
    }
    return null;
  }

  /** What is known of a small numeric value; null where nothing is. */
  values(value: string): PartialValues | null {
    const known = this.valueCache.get(value);
    if (known !== undefined) return known;
    this.valueCache.set(value, null); // a cycle in a hostile file ends here
    const found = this.evaluate(value);
    this.valueCache.set(value, found);
    return found;
  }

  /** A single known number, null otherwise. */
  scalar(value: string): number | null {
    const found = this.values(value);
    return found?.length === 1 ? (found[0] ?? null) : null;
  }

  private evaluate(value: string): PartialValues | null {
    const weight = this.model.initializers.get(value);
    if (weight) return tensorValues(weight);
    const node = this.producers.get(value);
    if (!node) return null;
    const input = (index: number) => this.values(node.inputs[index] ?? '');
    switch (node.opType) {
      case 'Constant': return constantValues(node);
      case 'Shape': return this.shape(node.inputs[0] ?? '');
      case 'Identity': case 'Cast': case 'Unsqueeze': case 'Squeeze': return input(0);
      case 'Concat': {
        const parts = node.inputs.map((name) => this.values(name));
        return parts.every((part) => part !== null) ? parts.flat() : null;
      }
      case 'Gather': {
        const [from, at] = [input(0), this.scalar(node.inputs[1] ?? '')];
        return at === null ? null : [from?.at(at) ?? null];
      }
      case 'Slice': {
        const from = input(0);
        const [start, end] = [this.scalar(node.inputs[1] ?? ''), this.scalar(node.inputs[2] ?? '')];
        return from && start !== null && end !== null ? from.slice(start, end) : null;
      }
      case 'Sqrt': return input(0)?.map((x) => (x === null ? null : Math.sqrt(x))) ?? null;
      case 'Mul': return pairwise(input(0), input(1), (a, b) => a * b);
      case 'Add': return pairwise(input(0), input(1), (a, b) => a + b);
      case 'Sub': return pairwise(input(0), input(1), (a, b) => a - b);
      case 'Div': return pairwise(input(0), input(1), (a, b) => a / b);
      default: return null;
    }
  }

  /** What is known of a value's shape: declared, or set by the Reshape or Transpose that makes it. */
  private shape(value: string): PartialValues | null {
    const weight = this.weightDims(value);
    if (weight) return weight;
    const info = this.model.inputs.find((input) => input.name === value) ?? this.model.valueInfo.get(value);
    if (info?.dims) return info.dims.map((dim) => (typeof dim === 'number' ? dim : null));
    const node = this.producers.get(value);
    if (!node) return null;
    if (node.opType === 'Reshape') {
      return this.values(node.inputs[1] ?? '')?.map((dim) => (dim === 0 || dim === -1 ? null : dim)) ?? null;
    }
    if (node.opType === 'Transpose') {
      const dims = this.shape(node.inputs[0] ?? '');
      return node.attributes.get('perm')?.ints.map((axis) => dims?.[axis] ?? null) ?? null;
    }
    if (node.opType === 'MatMul') {
      const columns = this.weightDims(node.inputs[1] ?? '')?.at(-1);
      const dims = this.shape(node.inputs[0] ?? '');
      return columns === undefined || !dims ? null : [...dims.slice(0, -1), columns];
    }
    if (node.opType === 'LayerNormalization') return this.shape(node.inputs[0] ?? '');
    return null;
  }
}

/** Every value that a node reads: its inputs and what its subgraphs capture. */
export function readsOf(node: Node): string[] {
  return [...node.inputs.filter((name) => name !== ''), ...node.captured];
}

function constantValues(node: Node): PartialValues | null {
  const tensor = node.attributes.get('value')?.tensor;
  if (tensor) return tensorValues(tensor);
  const int = node.attributes.get('value_int');
  if (int) return [int.i];
  const float = node.attributes.get('value_float');
  if (float) return [float.f];
  return node.attributes.get('value_ints')?.ints ?? null;
}

/** The numbers of a small inline tensor. */
export function tensorValues(tensor: Tensor): PartialValues | null {
  const { raw } = tensor;
  if (!raw || raw.length > LIMIT * 8) return null;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const each = (size: number, read: (at: number) => number) =>
    Array.from({ length: Math.floor(raw.length / size) }, (_, index) => read(index * size));
  switch (tensor.dataType) {
    case FLOAT: return each(4, (at) => view.getFloat32(at, true));
    case DOUBLE: return each(8, (at) => view.getFloat64(at, true));
    case INT64: return each(8, (at) => Number(view.getBigInt64(at, true)));
    case INT32: return each(4, (at) => view.getInt32(at, true));
    case FLOAT16: return each(2, (at) => halfToNumber(view.getUint16(at, true)));
    default: return null;
  }
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function pairwise(a: PartialValues | null, b: PartialValues | null, f: (a: number, b: number) => number): PartialValues | null {
  if (!a || !b) return null;
  const length = Math.max(a.length, b.length);
  if (a.length !== length && a.length !== 1) return null;
  if (b.length !== length && b.length !== 1) return null;
  return Array.from({ length }, (_, index) => {
    const [x, y] = [a.length === 1 ? a[0] : a[index], b.length === 1 ? b[0] : b[index]];
    return x === null || x === undefined || y === null || y === undefined ? null : f(x, y);
  });
}
