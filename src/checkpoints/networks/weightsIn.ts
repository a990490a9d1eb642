// The parameters of a network where they lie in `.safetensors` files, as weights of the graph that is built of it.

import { BFLOAT16, DOUBLE, FLOAT, FLOAT16, FLOAT8E4M3FN, FLOAT8E5M2, type Tensor } from '../../onnx/file/model';
import { transposed } from '../../onnx/file/inUse';
import { EngineError } from '../../protocol/errors';
import { bytesOf, scaleOf, type Sources } from '../tensorSources';
import type { WeightSource } from './graphBuilder';

/** TensorProto.DataType of the types that weights have. */
export const ELEMENT_TYPES: Readonly<Record<string, number>> = {
  F32: FLOAT,
  F16: FLOAT16,
  BF16: BFLOAT16,
  F64: DOUBLE,
  F8_E4M3: FLOAT8E4M3FN,
  F8_E5M2: FLOAT8E5M2,
};

/** @param file the file's name, where a parameter's source names no shard. */
export function weightsIn(sources: Sources, file: string): WeightSource {
  return (name) => {
    const source = sources.get(name);
    const dataType = ELEMENT_TYPES[source?.tensor.dtype ?? ''];
    if (!source || dataType === undefined) {
      throw new EngineError(
        'model-invalid',
        `${file} lacks a weight of the model. Fetch the model again, or choose another.`,
        `${name}: ${source?.tensor.dtype ?? 'missing'}`,
      );
    }
    const { shard = file } = source.tensor;
    const scale = scaleOf(source);
    const range = {
      location: shard,
      ...bytesOf(source),
      ...(scale && {
        scale: {
          location: scale.tensor.shard ?? file,
          offset: scale.offset,
          dataType: ELEMENT_TYPES[scale.tensor.dtype]!,
          count: scale.count,
        },
      }),
    };
    const weight = (dims: readonly number[]): Tensor => ({ name, dims, dataType, raw: null, range, encoded: null });
    return source.transposed ? transposed(weight([...source.shape].reverse())) : weight(source.shape);
  };
}
