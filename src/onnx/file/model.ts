// An ONNX model as we hold it: the graph's structure, and for each weight only where its bytes are.
// Field numbers and enums are those of onnx.proto3 (ONNX IR 1.x). Nodes keep their encoded bytes, so that
// what we do not understand is written back unchanged.

/** TensorProto.DataType, the ones that occur in diffusion models. */
export const FLOAT = 1;
export const UINT8 = 2;
export const INT8 = 3;
export const INT32 = 6;
export const INT64 = 7;
export const BOOL = 9;
export const FLOAT16 = 10;
export const DOUBLE = 11;
export const BFLOAT16 = 16;
export const FLOAT8E4M3FN = 17;
export const FLOAT8E5M2 = 19;

/** Widths in bits by TensorProto.DataType, from FLOAT on: 0 for texts, and 4 for the packed ones. */
const BITS = [32, 8, 8, 16, 16, 32, 64, 0, 8, 16, 64, 32, 64, 64, 128, 16, 8, 8, 8, 8, 4, 4, 4];

/** Of one element; null where the type is not known or has no fixed width. */
export function elementBits(elemType: number): number | null {
  return BITS[elemType - 1] || null;
}

/** Where a weight's bytes lie: `location` is null for the model file itself, else an external data file. */
export interface ByteRange {
  readonly location: string | null;
  readonly offset: number;
  readonly length: number;
  /** These are numbers of one element type that are another's in use (engine/weightsBlob converts as it reads). */
  readonly cast?: TypeCast;
  /** In use they are multiplied by these numbers first. */
  readonly scale?: ScaleRange;
  /** These are the rows of a matrix that is transposed in use. */
  readonly transposed?: Matrix;
  /** Behind each `every` of these bytes come so many zero bytes that are not in the file. */
  readonly padding?: { readonly every: number; readonly zeros: number };
}

/** Factors of a weight: one for all of it, or one for each of its rows as they lie in the file. */
export interface ScaleRange {
  readonly location: string | null;
  readonly offset: number;
  readonly dataType: number;
  readonly count: number;
}

/** Element types, as TensorProto.DataType. */
export interface TypeCast {
  readonly from: number;
  readonly to: number;
}

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
}

/** Bytes of a weight in use: cast and padded as its range says. */
export function usedLength({ length, cast, padding }: ByteRange): number {
  const stored = length + (padding ? (length / padding.every) * padding.zeros : 0);
  return cast ? (stored * (elementBits(cast.to) ?? NaN)) / (elementBits(cast.from) ?? NaN) : stored;
}

export interface Tensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Raw little-endian values of a small tensor; null where the bytes are in `range` or in `encoded`. */
  readonly raw: Uint8Array | null;
  readonly range: ByteRange | null;
  /** The TensorProto as it was, for small tensors that use typed fields instead of raw_data. */
  readonly encoded: Uint8Array | null;
}

export interface Attribute {
  readonly name: string;
  readonly i: number;
  readonly f: number;
  readonly s: string;
  readonly ints: readonly number[];
  readonly tensor: Tensor | null;
}

export interface GraphNode {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  /** '' stands for an omitted optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** Outer values that a subgraph (If, Loop, Scan) reads by name. */
  readonly captured: readonly string[];
  /** The NodeProto as it was. */
  readonly encoded: Uint8Array;
}

export interface ValueInfo {
  readonly name: string;
  readonly elemType: number;
  /** A number, or the name of a free dimension; null where no shape is given. */
  readonly dims: readonly (number | string)[] | null;
}

export interface Model {
  readonly irVersion: number;
  /** Encoded OperatorSetIdProto and FunctionProto messages, passed on as they are. */
  readonly opsets: readonly Uint8Array[];
  readonly functions: readonly Uint8Array[];
  /** In topological order, as ONNX demands. */
  readonly nodes: readonly GraphNode[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly valueInfo: ReadonlyMap<string, ValueInfo>;
}
