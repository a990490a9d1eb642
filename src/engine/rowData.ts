// Rows of tensors that lie in JavaScript's memory: all of the CPU's, and integers of the GPU's, which ONNX Runtime
// uploads itself.

export type Data = Float32Array | Uint16Array | BigInt64Array | Int32Array;

/** out[r] = data[sources[r]], each of `size` entries. */
export function gatheredRows(data: Data, size: number, sources: readonly number[]): Data {
  const out = likeOf(data, size * sources.length);
  sources.forEach((source, row) => {
    out.set(data.subarray(source * size, (source + 1) * size) as never, row * size);
  });
  return out;
}

/** The first `length` entries of parts that are of one type and size. */
export function joinedData(parts: readonly [Data, ...Data[]], length: number): Data {
  const out = likeOf(parts[0], length);
  parts.forEach((part, index) => {
    const at = index * part.length;
    out.set(part.subarray(0, Math.min(part.length, out.length - at)) as never, at);
  });
  return out;
}

function likeOf(data: Data, length: number): Data {
  return new (data.constructor as new (length: number) => Data)(length);
}
