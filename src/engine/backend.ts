// What the engine needs of a device. Two peers implement it: WebGPU (our WGSL kernels between the sessions) and
// the CPU (ONNX Runtime's WASM provider, and their TypeScript twins). Everything above this file is the same for both.

import type { CombinedImage, NonlinearGuidance } from '../diffusion/guidance';
import type { KnownFactors, SiteRow, StepCoefficients } from '../diffusion/types';
import type { DeviceInfo } from '../protocol/loaded';

export type ElemType = 'float32' | 'float16' | 'int64' | 'int32';

/** A tensor where the device keeps it. Row-major; the first dimension is rows wherever a batch is meant. */
export interface DeviceTensor {
  readonly type: ElemType;
  readonly dims: readonly number[];
  dispose(): void;
}

export type Tensors = Readonly<Record<string, DeviceTensor>>;

export interface Session {
  /** Feeds by input name; the caller owns and disposes of the results. */
  run(feeds: Tensors): Promise<Record<string, DeviceTensor>>;
  dispose(): Promise<void>;
}

/** An input or output of a session that is made for its sizes. */
export interface SizedValue {
  readonly name: string;
  readonly type: ElemType;
  readonly dims: readonly number[];
}

/**
 * A session made for its sizes, whose commands are recorded at its first run and replayed from then on: a run costs the
 * CPU next to nothing.
 */
export interface CapturedSession {
  /** To be written before a run; they stay, and belong to the session. */
  readonly inputs: Tensors;
  /** Written by each run; they stay, and belong to the session. */
  readonly outputs: Tensors;
  run(): Promise<void>;
  /** The same, with every command sent anew: what a replay must give. */
  runAnew(): Promise<void>;
  dispose(): Promise<void>;
}

/** Rows of one tensor copied over those of another: out[r] = from[sources[r]], all in order where null. */
export interface RowCopy {
  readonly from: DeviceTensor;
  readonly sources: readonly number[] | null;
  readonly into: DeviceTensor;
}

/** How a device records and replays sessions. */
export interface Capturing {
  /** @throws Error where a node would not run on the device. */
  session(
    graph: Uint8Array,
    weights: Blob,
    label: string,
    inputs: readonly SizedValue[],
    outputs: readonly SizedValue[],
  ): Promise<CapturedSession>;
  write(tensor: DeviceTensor, values: ArrayLike<number>): void;
  /** The same numbers in other sizes. */
  reshaped(tensor: DeviceTensor, dims: readonly number[]): DeviceTensor;
  copy(copies: readonly RowCopy[]): void;
  /** Told where a replay was seen to be wrong: the backend has no `capturing` from then on. */
  giveUp(): void;
}

export interface AttentionSettings {
  readonly heads: number;
  /** Factor of the logits; null for 1/√dim. */
  readonly scale: number | null;
}

export interface StepInput {
  /** [rows, …] of any float type. */
  readonly predictions: DeviceTensor;
  /** [images, …] f32. */
  readonly latents: DeviceTensor;
  /** [depth, images, …] f32: the K's of earlier steps, newest first; depth at least 1. */
  readonly history: DeviceTensor;
  /** [images, …] f32; null where the step has none. */
  readonly noise: DeviceTensor | null;
  /** weights[image][row]. */
  readonly weights: readonly (readonly number[])[];
  readonly coefficients: StepCoefficients;
}

export interface StepOutput {
  readonly latents: DeviceTensor;
  readonly denoised: DeviceTensor;
  readonly history: DeviceTensor;
}

export interface GuidanceInput {
  /** [rows, channels, height, width] of any float type. */
  readonly predictions: DeviceTensor;
  /** [images, channels, height, width] f32. */
  readonly latents: DeviceTensor;
  readonly images: readonly CombinedImage[];
  readonly guidance: NonlinearGuidance;
  readonly denoised: StepCoefficients['denoised'];
}

export interface BlendInput {
  /** [images, channels, height, width] f32, the first three. */
  readonly latents: DeviceTensor;
  readonly start: DeviceTensor;
  readonly startNoise: DeviceTensor;
  /** [height, width] f32, 0 … 1: how much of the latents stays. */
  readonly mask: DeviceTensor;
  /** What the rest is made of, of the start and its noise. */
  readonly known: KnownFactors;
}

export interface Backend {
  readonly kind: DeviceInfo['backend'];
  /** Whether sessions may compute in f16. */
  readonly f16: boolean;
  /** Whether ONNX Runtime's MultiHeadAttention is right here: separate operators are then replaced by it. */
  readonly fusesAttention: boolean;
  /** Whether ONNX Runtime takes attention of many tokens here only with its queries in parts. */
  readonly partsAttention: boolean;
  /** Whether ONNX Runtime has BiasSplitGelu of com.microsoft here, which is GEGLU in one operator. */
  readonly splitsGelu: boolean;
  /** Whether ONNX Runtime has kernels here for operators on integers, QLinearConv and the like. */
  readonly computesIntegers: boolean;
  /** Bytes of the largest tensor that sessions may make here. */
  readonly mostTensorBytes: number;
  /** null where sessions cannot be recorded and replayed, or a replay was seen to be wrong. */
  readonly capturing: Capturing | null;
  /** Whether `attend` takes heads of so many channels. */
  takesHeadDim(headDim: number): boolean;
  /** A session from a written graph and the one file that its weights are ranges of. */
  createSession(graph: Uint8Array, weights: Blob, label: string): Promise<Session>;
  upload(type: ElemType, dims: readonly number[], values: ArrayLike<number>): DeviceTensor;
  /** out[r] = tensor[sources[r]]. */
  gatherRows(tensor: DeviceTensor, sources: readonly number[]): DeviceTensor;
  /** The first `rows` rows of tensors of one shape and type, one after the other. */
  joinRows(tensors: readonly DeviceTensor[], rows: number): DeviceTensor;
  /** Q, K, V [sourceRows, tokens, heads·dim] → [rows.length, tokens, heads·dim], in the place of `into` if given. */
  attend(
    q: DeviceTensor,
    k: DeviceTensor,
    v: DeviceTensor,
    rows: readonly SiteRow[],
    settings: AttentionSettings,
    into?: DeviceTensor,
  ): Promise<DeviceTensor>;
  /**
   * out[r] = scale·latents[images[r]] + shift, as `type`; the shift is 0 if not given.
   * @param beside further channels, [images, channels, height, width] f32, that lie behind these in each row.
   */
  modelInput(
    latents: DeviceTensor,
    images: readonly number[],
    scale: number,
    type: ElemType,
    shift?: number,
    beside?: DeviceTensor | null,
  ): Promise<DeviceTensor>;
  /** One prediction an image, [images, …] f32, where guidance is no weighted sum of rows. */
  rescaledGuidance(input: GuidanceInput): Promise<DeviceTensor>;
  guidedStep(input: StepInput): Promise<StepOutput>;
  /** mask·latents + (1 − mask)·(known.sample·start + known.noise·startNoise). */
  maskBlend(input: BlendInput): Promise<DeviceTensor>;
  /**
   * Lets go of what it was told of too little memory: for who gives up all that was made since the last that was read.
   */
  recover(): Promise<void>;
  /** Values as f32, on the CPU. */
  read(tensor: DeviceTensor): Promise<Float32Array>;
  /** Of several tensors, for the cost of one: what is asked for together is waited for once. */
  readAll(tensors: readonly DeviceTensor[]): Promise<Float32Array[]>;
  dispose(): Promise<void>;
}

export function elements(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** Of the model input, with what lies beside the latents. */
export function rowsBeside(rows: number, { dims }: DeviceTensor, beside: DeviceTensor | null): number[] {
  return beside ? [rows, dims[1]! + beside.dims[1]!, ...dims.slice(2)] : [rows, ...dims.slice(1)];
}

export function blendShape({ latents, mask }: Pick<BlendInput, 'latents' | 'mask'>) {
  return { images: latents.dims[0]!, elements: elements(latents.dims.slice(1)), plane: elements(mask.dims) };
}
