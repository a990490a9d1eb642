// The CPU backend: sessions on ONNX Runtime's WASM provider, and between them its own attention and the other kernels'
// TypeScript twins.

import { guidedStepOnCpu } from '../kernels/guidedStep.cpu';
import { maskBlendOnCpu } from '../kernels/maskBlend.cpu';
import { modelInputOnCpu } from '../kernels/modelInput.cpu';
import { rescaledGuidanceOnCpu } from '../kernels/rescaledGuidance.cpu';
import type { SiteRow } from '../diffusion/types';
import { EngineError } from '../protocol/errors';
import {
  blendShape,
  elements,
  rowsBeside,
  type AttentionSettings,
  type Backend,
  type BlendInput,
  type Capturing,
  type DeviceTensor,
  type ElemType,
  type GuidanceInput,
  type Session,
  type StepInput,
  type StepOutput,
  type Tensors,
} from './backend';
import { CpuAttention } from './cpuAttention';
import { WASM_TENSOR } from '../models/preflight';
import { gatheredRows, joinedData, type Data } from './rowData';
import type { Ort } from './runtime';
import { WEIGHTS_FILE } from '../onnx/segments/write';

class CpuTensor implements DeviceTensor {
  constructor(
    readonly type: ElemType,
    readonly dims: readonly number[],
    readonly data: Data,
  ) {}
  dispose(): void {}

  /** @throws EngineError for f16: the WASM provider has no f16 arithmetic. */
  get f32(): Float32Array {
    if (this.data instanceof Float32Array) return this.data;
    throw noHalf(this.type);
  }
}

/** The tensors that reach a backend are those that it made. */
function own(tensor: DeviceTensor): CpuTensor {
  if (tensor instanceof CpuTensor) return tensor;
  throw new Error('This tensor belongs to another backend.');
}

export class CpuBackend implements Backend {
  readonly kind = 'wasm';
  readonly f16 = false;
  readonly fusesAttention = true;
  readonly partsAttention = true;
  readonly splitsGelu = false;
  readonly computesIntegers = true;
  readonly mostTensorBytes = WASM_TENSOR;
  readonly capturing: Capturing | null = null;

  private readonly attention: CpuAttention;

  constructor(private readonly ort: Ort) {
    this.attention = new CpuAttention(ort);
  }

  async createSession(graph: Uint8Array, weights: Blob): Promise<Session> {
    // As bytes, which WASM copies into its memory in any case: a Blob would be read while the session is being
    // built, and with files of the private file system that was seen never to end.
    const data = new Uint8Array(await weights.arrayBuffer());
    const session = await this.ort.InferenceSession.create(graph, {
      executionProviders: ['wasm'],
      logSeverityLevel: 3,
      externalData: data.length > 0 ? [{ path: WEIGHTS_FILE, data }] : [],
    });
    return {
      run: async (feeds: Tensors) => {
        const inputs = Object.fromEntries(
          Object.entries(feeds).map(([name, tensor]) => [name, this.toOrt(own(tensor))]),
        );
        const outputs = await session.run(inputs);
        return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromOrt(tensor)]));
      },
      dispose: () => session.release(),
    };
  }

  takesHeadDim(): boolean {
    return true;
  }

  upload(type: ElemType, dims: readonly number[], values: ArrayLike<number>): DeviceTensor {
    // A GPU refuses them too.
    if (values.length !== elements(dims))
      throw new RangeError(`${values.length} values are not those of [${dims.join(', ')}].`);
    return new CpuTensor(type, dims, toData(type, values));
  }

  gatherRows(tensor: DeviceTensor, sources: readonly number[]): DeviceTensor {
    const { data, dims, type } = own(tensor);
    const rowDims = dims.slice(1);
    return new CpuTensor(type, [sources.length, ...rowDims], gatheredRows(data, elements(rowDims), sources));
  }

  joinRows(tensors: readonly DeviceTensor[], rows: number): DeviceTensor {
    const [first, ...others] = tensors.map(own) as [CpuTensor, ...CpuTensor[]];
    const rowDims = first.dims.slice(1);
    return new CpuTensor(
      first.type,
      [rows, ...rowDims],
      joinedData([first.data, ...others.map(({ data }) => data)], rows * elements(rowDims)),
    );
  }

  async attend(
    q: DeviceTensor,
    k: DeviceTensor,
    v: DeviceTensor,
    rows: readonly SiteRow[],
    settings: AttentionSettings,
  ): Promise<DeviceTensor> {
    const dims = q.dims as [number, number, number];
    const site = { q: own(q).f32, k: own(k).f32, v: own(v).f32, dims };
    const out = await this.attention.attend(site, rows, settings);
    return new CpuTensor('float32', [rows.length, dims[1], dims[2]], out);
  }

  modelInput(
    latents: DeviceTensor,
    images: readonly number[],
    scale: number,
    type: ElemType,
    shift = 0,
    beside: DeviceTensor | null = null,
  ): Promise<DeviceTensor> {
    if (type !== 'float32') throw noHalf(type);
    const besideElements = beside ? elements(beside.dims.slice(1)) : 0;
    const shape = { images: latents.dims[0]!, elements: elements(latents.dims.slice(1)), besideElements };
    const data = modelInputOnCpu(shape, own(latents).f32, images, scale, shift, beside ? own(beside).f32 : undefined);
    return Promise.resolve(new CpuTensor('float32', rowsBeside(images.length, latents, beside), data));
  }

  rescaledGuidance({ predictions, latents, images, guidance, denoised }: GuidanceInput): Promise<DeviceTensor> {
    const [rows, channels, height, width] = predictions.dims as [number, number, number, number];
    const arrays = { predictions: own(predictions).f32, latents: own(latents).f32 };
    const combined = rescaledGuidanceOnCpu({ rows, channels, height, width }, arrays, images, guidance, denoised);
    return Promise.resolve(new CpuTensor('float32', latents.dims, combined));
  }

  guidedStep(input: StepInput): Promise<StepOutput> {
    const { latents, history } = input;
    const shape = {
      rows: input.predictions.dims[0]!,
      images: latents.dims[0]!,
      elements: elements(latents.dims.slice(1)),
      depth: history.dims[0]!,
    };
    const result = guidedStepOnCpu(
      shape,
      {
        predictions: own(input.predictions).f32,
        latents: own(latents).f32,
        history: own(history).f32,
        noise: input.noise ? own(input.noise).f32 : null,
      },
      input.weights,
      input.coefficients,
    );
    return Promise.resolve({
      latents: new CpuTensor('float32', latents.dims, result.latents),
      denoised: new CpuTensor('float32', latents.dims, result.denoised),
      history: new CpuTensor('float32', history.dims, result.history),
    });
  }

  maskBlend({ known, ...tensors }: BlendInput): Promise<DeviceTensor> {
    const { latents, mask } = tensors;
    const data = maskBlendOnCpu(
      blendShape(tensors),
      {
        latents: own(latents).f32,
        start: own(tensors.start).f32,
        startNoise: own(tensors.startNoise).f32,
        mask: own(mask).f32,
      },
      known,
    );
    return Promise.resolve(new CpuTensor('float32', latents.dims, data));
  }

  read(tensor: DeviceTensor): Promise<Float32Array> {
    return Promise.resolve(own(tensor).f32);
  }

  readAll(tensors: readonly DeviceTensor[]): Promise<Float32Array[]> {
    return Promise.all(tensors.map((tensor) => this.read(tensor)));
  }

  recover(): Promise<void> {
    return Promise.resolve();
  }

  dispose(): Promise<void> {
    return this.attention.dispose();
  }

  private toOrt({ type, data, dims }: CpuTensor) {
    return new this.ort.Tensor(type as 'float32', data as Float32Array, dims);
  }
}

function noHalf(type: ElemType): EngineError {
  return new EngineError(
    'session-build',
    'This model computes in f16, which the CPU cannot do. Use a model in f32, or a browser with WebGPU.',
    type,
  );
}

function toData(type: ElemType, values: ArrayLike<number>): Data {
  if (type === 'int64') return BigInt64Array.from(Array.from(values), BigInt);
  if (type === 'int32') return Int32Array.from(values);
  return Float32Array.from(values);
}

function fromOrt(tensor: { type: string; dims: readonly number[]; data: unknown }): CpuTensor {
  return new CpuTensor(tensor.type as ElemType, tensor.dims, tensor.data as Data);
}
