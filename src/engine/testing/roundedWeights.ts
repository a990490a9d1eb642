// A model with the weights of an int8 file that ONNX Runtime's quantizers made of it, as floats: each number q stands
// for (q − zero)·scale. What int8 weights cost is in them, so that nothing else may differ.

import { INT32, INT8, type Model, type Tensor } from '../../onnx/file/model';
import { fields, pushInts } from '../../onnx/file/protobuf';
import { readModel } from '../../onnx/file/read';
import { writeSegment } from '../../onnx/segments/write';

export async function withRoundedWeights(original: Blob, quantized: Blob): Promise<Blob> {
  const [model, int8] = [await readModel(original, 'original'), await readModel(quantized, 'int8')];
  const initializers = new Map<string, Tensor>();
  let rounded = 0;
  for (const [name, weight] of model.initializers) {
    const turned = int8.initializers.has(`${name}_Transposed_quantized`);
    const numbers = await numbersOf(int8, quantized, turned ? `${name}_Transposed` : name);
    rounded += Number(numbers !== null);
    const own = numbers && Float32Array.from(turned ? transposed(numbers, weight.dims) : numbers);
    if (weight.encoded && !own) {
      initializers.set(name, weight);
      continue;
    }
    const raw = own ? new Uint8Array(own.buffer) : await bytesOf(original, weight);
    initializers.set(name, { ...weight, raw, range: null, encoded: null });
  }
  const made = [...int8.initializers.keys()].filter((name) => name.endsWith('_quantized')).length;
  if (rounded !== made) throw new Error(`${rounded} of ${made} weights have a name that is known`);
  const { bytes } = writeSegment(
    { ...model, initializers },
    { nodes: model.nodes, inputs: namesOf(model.inputs), outputs: namesOf(model.outputs), sites: [] },
  );
  return new Blob([bytes]);
}

/** null for a weight that was left as it is. */
async function numbersOf({ initializers, nodes }: Model, file: Blob, name: string): Promise<number[] | null> {
  const weight = initializers.get(`${name}_quantized`);
  const scale = initializers.get(`${name}_scale`) ?? initializers.get(`${name}_quantized_scale`);
  const zero = initializers.get(`${name}_zero_point`);
  if (!weight || !scale) return null;
  const [scales, zeros] = [await floats(file, scale), zero && (await integers(file, zero))];
  const reader = nodes.find(({ opType, inputs }) => opType === 'DequantizeLinear' && inputs[0] === weight.name);
  // Without one it is a product of integers, whose scales are one a column.
  const axis = reader?.attributes.get('axis')?.i ?? 1;
  const behind = weight.dims.slice(axis + 1).reduce((all, dim) => all * dim, 1);
  return Array.from(await integers(file, weight), (value, at) => {
    const entry = scales.length === 1 ? 0 : Math.floor(at / behind) % scales.length;
    return (value - (zeros?.[entry] ?? 0)) * scales[entry]!;
  });
}

/** Quantizers write small tensors as lists: float_data (4), and int32_data (5) for all short integers. */
async function floats(file: Blob, tensor: Tensor): Promise<Float32Array> {
  const list = tensor.encoded && [...fields(tensor.encoded)].find(({ number }) => number === 4);
  return new Float32Array(list ? Uint8Array.from(list.bytes).buffer : (await bytesOf(file, tensor)).buffer);
}

async function integers(file: Blob, tensor: Tensor): Promise<ArrayLike<number>> {
  if (tensor.encoded) {
    const values: number[] = [];
    for (const field of fields(tensor.encoded)) if (field.number === 5) pushInts(field, values);
    return values;
  }
  const bytes = await bytesOf(file, tensor);
  if (tensor.dataType === INT32) return new Int32Array(bytes.buffer);
  return tensor.dataType === INT8 ? new Int8Array(bytes.buffer) : bytes;
}

async function bytesOf(file: Blob, { raw, range, encoded }: Tensor): Promise<Uint8Array<ArrayBuffer>> {
  if (encoded) throw new Error('Its numbers are in a list');
  if (raw) return Uint8Array.from(raw);
  return new Uint8Array(await file.slice(range?.offset, (range?.offset ?? 0) + (range?.length ?? 0)).arrayBuffer());
}

/** Of a matrix [columns, rows], as one of `dims` [rows, columns]. */
function transposed(values: readonly number[], [rows = 0, columns = 0]: readonly number[]): number[] {
  return values.map((_, at) => values[(at % columns) * rows + Math.floor(at / columns)]!);
}

function namesOf(infos: Model['inputs']): string[] {
  return infos.map(({ name }) => name);
}
