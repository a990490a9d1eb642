// Writes a network as an ONNX graph: the same `Model` that onnx/read makes of a file. A network is a function of a
// GraphBuilder and values; `in` goes down one module, so that nodes carry diffusers' module paths, and weights are
// asked for by diffusers' parameter names. Weights stay where they lie: conversions are marks on their byte ranges.

import { float32ToFloat16 } from '../../kernels/float16';
import { asType, transposed } from '../../onnx/file/inUse';
import { int64s, makeNode, type AttributeValue } from '../../onnx/file/makeNode';
import { FLOAT16, INT32, type FLOAT, type Model, type Tensor, type ValueInfo } from '../../onnx/file/model';
import { MessageWriter } from '../../onnx/file/protobuf';
import { EngineError } from '../../protocol/errors';

/**
 * The parameter of that name and shape; sizes of 1 may be more or fewer. Throws EngineError `model-invalid` where there
 * is none.
 */
export type WeightSource = (name: string, shape: readonly number[]) => Tensor;

export interface GraphOptions {
  readonly weight: WeightSource;
  /** What the graph computes in: FLOAT or FLOAT16. */
  readonly type: typeof FLOAT | typeof FLOAT16;
  /**
   * Whether the device has com.microsoft's BiasSplitGelu, which is GEGLU in one operator: WebGPU has it, the CPU does
   * not.
   */
  readonly splitsGelu: boolean;
}

export interface OpOptions {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly domain?: string;
}

export const MICROSOFT = 'com.microsoft';
/** LayerNormalization came with 17, Resize of some axes with 18. */
const OPSET = 18;
const IR_VERSION = 8;

interface Draft extends OpOptions {
  readonly name: string;
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** What all builders of one graph write to. */
interface Parts {
  readonly nodes: Draft[];
  readonly initializers: Map<string, Tensor>;
  readonly inputs: ValueInfo[];
  /** By the value that each of them is. */
  readonly outputs: Map<string, ValueInfo>;
  readonly shapes: Map<string, string>;
  /** By what they are. */
  readonly constants: Map<string, string>;
  readonly names: Map<string, number>;
}

export class GraphBuilder {
  private constructor(
    readonly options: GraphOptions,
    /** diffusers' path of the module that is being written; '' for the network itself. */
    readonly path: string,
    private readonly parts: Parts,
  ) {}

  static start(options: GraphOptions): GraphBuilder {
    return new GraphBuilder(options, '', {
      nodes: [],
      initializers: new Map(),
      inputs: [],
      outputs: new Map(),
      shapes: new Map(),
      constants: new Map(),
      names: new Map(),
    });
  }

  /** A module of this one: `in('resnets.0')`. */
  in(path: string): GraphBuilder {
    return new GraphBuilder(this.options, this.path === '' ? path : `${this.path}.${path}`, this.parts);
  }

  get type(): typeof FLOAT | typeof FLOAT16 {
    return this.options.type;
  }

  /** Free dimensions have names. */
  input(name: string, elemType: number, dims: readonly (number | string)[]): string {
    this.parts.inputs.push({ name, elemType, dims });
    return name;
  }

  /** The value gets this name. */
  output(name: string, value: string, dims: readonly (number | string)[]): void {
    this.parts.outputs.set(value, { name, elemType: this.type, dims });
  }

  /** One node; its (first) output. */
  op(opType: string, inputs: readonly string[], options: OpOptions = {}): string {
    const name = this.unique(`${this.path}/${opType}`);
    this.parts.nodes.push({ ...options, name, opType, inputs, outputs: [name] });
    return name;
  }

  /** One node with several outputs; '' for those that are not wanted. */
  ops(opType: string, inputs: readonly string[], outputs: readonly string[], options: OpOptions = {}): string[] {
    const name = this.unique(`${this.path}/${opType}`);
    const values = outputs.map((output) => (output === '' ? '' : `${name}/${output}`));
    this.parts.nodes.push({ ...options, name, opType, inputs, outputs: values });
    return values;
  }

  /**
   * A parameter of this module in the type of the graph, as it lies or in another shape of as many elements.
   * @throws EngineError `model-invalid`.
   */
  weight(name: string, shape: readonly number[], as: readonly number[] = shape): string {
    return this.add({ ...this.parameter(name, shape), dims: as });
  }

  /** A weight [out, in] as MatMul wants it, [in, out]. */
  transposedWeight(name: string, shape: readonly [number, number]): string {
    return this.add(transposed(this.parameter(name, shape)));
  }

  /** A number in the graph's type. */
  scalar(value: number): string {
    return this.numbers([value], []);
  }

  /** So many times the same number, in the graph's type. */
  filled(value: number, dims: readonly number[]): string {
    return this.numbers(new Array<number>(dims.reduce((product, size) => product * size, 1)).fill(value), dims);
  }

  /** Few numbers, kept in the graph. */
  numbers(values: readonly number[], dims: readonly number[], type: number = this.type): string {
    const few = new Set(values).size === 1 ? `${values[0]}` : values.join(',');
    return this.constant(`${few}[${dims.join(',')}]:${type}`, (name) => ({
      name,
      dims,
      dataType: type,
      raw: encoded(values, type),
      range: null,
      encoded: null,
    }));
  }

  /** A vector of int64: sizes, axes. */
  int64s(values: readonly number[]): string {
    return this.constant(`(${values.join(',')})`, (name) => int64s(name, values));
  }

  /**
   * The sizes of a value from axis `start` up to `end`; of all axes if not given. Not computed on: a target as it is.
   */
  shapeOf(value: string, start = 0, end?: number): string {
    const key = `${value} ${start} ${end ?? ''}`;
    const known = this.parts.shapes.get(key);
    if (known !== undefined) return known;
    const part = end === undefined ? {} : { start: { int: start }, end: { int: end } };
    const made = this.op('Shape', [value], { attributes: part });
    this.parts.shapes.set(key, made);
    return made;
  }

  finish(): Model {
    const { nodes, initializers, inputs, outputs } = this.parts;
    const renamed = (value: string) => outputs.get(value)?.name ?? value;
    return {
      irVersion: IR_VERSION,
      opsets: [opset('', OPSET), opset(MICROSOFT, 1)],
      functions: [],
      nodes: nodes.map((node) =>
        makeNode(node, node.inputs.map(renamed), node.outputs.map(renamed), node.attributes ?? {}),
      ),
      initializers,
      inputs,
      outputs: [...outputs.values()],
      valueInfo: new Map(),
    };
  }

  private parameter(name: string, shape: readonly number[]): Tensor {
    const path = this.path === '' ? name : `${this.path}.${name}`;
    const tensor = this.options.weight(path, shape);
    if (squeezed(tensor.dims) !== squeezed(shape)) {
      throw new EngineError(
        'model-invalid',
        `The weight ${path} has another shape than the rest of the model asks for. Choose another model.`,
        `[${tensor.dims.join(', ')}] instead of [${shape.join(', ')}]`,
      );
    }
    return asType({ ...tensor, name: path, dims: shape }, this.type);
  }

  private add(tensor: Tensor): string {
    const name = this.unique(tensor.name);
    this.parts.initializers.set(name, { ...tensor, name });
    return name;
  }

  private constant(key: string, make: (name: string) => Tensor): string {
    const known = this.parts.constants.get(key);
    if (known !== undefined) return known;
    const tensor = make(this.unique('constant'));
    this.parts.initializers.set(tensor.name, tensor);
    this.parts.constants.set(key, tensor.name);
    return tensor.name;
  }

  private unique(name: string): string {
    const count = this.parts.names.get(name) ?? 0;
    this.parts.names.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  }
}

/** Sizes without those of 1: a kernel of one element is a matrix. */
function squeezed(dims: readonly number[]): string {
  return dims.filter((size) => size !== 1).join('×');
}

function encoded(values: readonly number[], type: number): Uint8Array {
  if (type === INT32) return new Uint8Array(Int32Array.from(values).buffer);
  const wide = Float32Array.from(values);
  return new Uint8Array((type === FLOAT16 ? float32ToFloat16(wide) : wide).buffer);
}

/** OperatorSetIdProto: domain (1), version (2). */
function opset(domain: string, version: number): Uint8Array {
  const message = new MessageWriter();
  if (domain !== '') message.string(1, domain);
  return message.varint(2, version).finish();
}
