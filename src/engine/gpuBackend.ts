// The WebGPU backend: sessions on ONNX Runtime's WebGPU provider and our WGSL kernels, on one device and one
// queue. A run of a session flushes its commands, so what is submitted after it is ordered behind it.

import type { SiteRow } from '../diffusion/types';
import { createAttention } from '../kernels/attention';
import { takesHeadDim } from '../kernels/attentionTiles';
import { KernelCompiler } from '../kernels/compiler';
import { float16ToFloat32 } from '../kernels/float16';
import { createGuidedStep } from '../kernels/guidedStep';
import { createMaskBlend } from '../kernels/maskBlend';
import { createModelInput } from '../kernels/modelInput';
import { createRescaledGuidance } from '../kernels/rescaledGuidance';
import { WEIGHTS_FILE } from '../onnx/segments/write';
import { EngineError } from '../protocol/errors';
import {
  blendShape,
  elements,
  rowsBeside,
  type AttentionSettings,
  type Backend,
  type BlendInput,
  type DeviceTensor,
  type ElemType,
  type GuidanceInput,
  type Session,
  type StepInput,
  type StepOutput,
  type Tensors,
} from './backend';
import { GpuCapture } from './gpuCapture';
import { GpuWaits } from './gpuWaits';
import { BYTES, GpuTensor, floatData, own, rowBytes } from './gpuTensor';
import { gatheredRows, joinedData, type Data } from './rowData';
import type { Ort } from './runtime';

/** To be checked on the device: ./attentionCheck, ./captureCheck. */
export interface GpuTraits {
  readonly fusesAttention: boolean;
  readonly captures?: boolean;
}

const A_RESULT = 'a result of the GPU';
const THE_QUEUE = "the GPU's queue";

export class GpuBackend implements Backend {
  readonly kind = 'webgpu';
  readonly f16: boolean;
  readonly fusesAttention: boolean;
  readonly partsAttention = false;
  readonly splitsGelu = true;
  readonly computesIntegers = false;
  readonly mostTensorBytes: number;
  private readonly compiler: KernelCompiler;
  private readonly capture: GpuCapture | null;
  private lost: GPUDeviceLostInfo | null = null;
  /**
   * The first error that no scope caught, of our commands or of ONNX Runtime's:
   * what came after it is not to be believed.
   */
  private refused: GPUError | null = null;
  private readonly hear = (event: GPUUncapturedErrorEvent) => {
    this.refused ??= event.error;
  };

  constructor(
    private readonly ort: Ort,
    private readonly device: GPUDevice,
    { fusesAttention, captures = false }: GpuTraits,
    private readonly waits = new GpuWaits(() => {}),
  ) {
    this.fusesAttention = fusesAttention;
    this.f16 = device.features.has('shader-f16');
    this.mostTensorBytes = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
    this.compiler = new KernelCompiler(device, (what, work) => this.guarded(what, work));
    waits.watch(device);
    void device.lost.then((info) => {
      this.lost = info;
    });
    device.addEventListener('uncapturederror', this.hear);
    const guarded: typeof this.guarded = (what, work) => this.guarded(what, work);
    this.capture = captures ? new GpuCapture(ort, device, guarded, () => this.settled()) : null;
  }

  get capturing(): GpuCapture | null {
    return this.capture?.trusted ? this.capture : null;
  }

  async createSession(graph: Uint8Array, weights: Blob, label: string): Promise<Session> {
    const session = await this.guarded(label, async () => {
      const built = await this.ort.InferenceSession.create(graph, {
        executionProviders: [{ name: 'webgpu', device: this.device } as never],
        preferredOutputLocation: 'gpu-buffer',
        logSeverityLevel: 3,
        externalData: weights.size > 0 ? [{ path: WEIGHTS_FILE, data: weights }] : [],
      });
      // A buffer of weights that was refused has been told of by then.
      await this.settled();
      return built;
    });
    return {
      run: (feeds: Tensors) =>
        this.guarded(label, async () => {
          const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, own(tensor).ort]));
          const outputs = await session.run(inputs);
          return Object.fromEntries(
            Object.entries(outputs).map(([name, tensor]) => [name, GpuTensor.made(tensor, `${label} ${name}`)]),
          );
        }),
      dispose: () => session.release(),
    };
  }

  takesHeadDim(headDim: number): boolean {
    return takesHeadDim(headDim);
  }

  upload(type: ElemType, dims: readonly number[], values: ArrayLike<number>): DeviceTensor {
    if (type === 'int64' || type === 'int32') {
      return this.beside(
        type,
        dims,
        type === 'int64' ? BigInt64Array.from(Array.from(values), BigInt) : Int32Array.from(values),
      );
    }
    const tensor = this.allocate(type, dims, 'upload');
    this.device.queue.writeBuffer(tensor.storage, 0, floatData(type, values));
    return tensor;
  }

  gatherRows(tensor: DeviceTensor, sources: readonly number[]): DeviceTensor {
    const from = own(tensor);
    const rowDims = from.dims.slice(1);
    if (!from.buffer)
      return this.beside(from.type, [sources.length, ...rowDims], gatheredRows(from.data, elements(rowDims), sources));
    const bytes = rowBytes(from);
    const out = this.allocate(from.type, [sources.length, ...rowDims], 'rows');
    this.submit('gather rows', (encoder) =>
      sources.forEach((source, row) =>
        encoder.copyBufferToBuffer(from.storage, source * bytes, out.storage, row * bytes, bytes),
      ),
    );
    return out;
  }

  joinRows(tensors: readonly DeviceTensor[], rows: number): DeviceTensor {
    const [first, ...others] = tensors.map(own) as [GpuTensor, ...GpuTensor[]];
    const rowDims = first.dims.slice(1);
    if (!first.buffer)
      return this.beside(
        first.type,
        [rows, ...rowDims],
        joinedData([first.data, ...others.map(({ data }) => data)], rows * elements(rowDims)),
      );
    const bytes = rowBytes(first);
    const out = this.allocate(first.type, [rows, ...rowDims], 'joined rows');
    this.submit('join rows', (encoder) =>
      tensors.forEach((tensor, index) => {
        const count = tensor.dims[0]!;
        const at = index * count;
        const length = Math.min(count, rows - at) * bytes;
        encoder.copyBufferToBuffer(own(tensor).storage, 0, out.storage, at * bytes, length);
      }),
    );
    return out;
  }

  async attend(
    q: DeviceTensor,
    k: DeviceTensor,
    v: DeviceTensor,
    rows: readonly SiteRow[],
    settings: AttentionSettings,
    into?: DeviceTensor,
  ): Promise<DeviceTensor> {
    const source = own(q);
    const [sourceRows, tokens, channels] = q.dims as [number, number, number];
    const headDim = channels / settings.heads;
    const scale = settings.scale ?? 1 / Math.sqrt(headDim);
    const attention = await createAttention(
      this.compiler,
      { sourceRows, tokens, heads: settings.heads, headDim, scale },
      source.elem,
    );
    const out = into ? own(into) : this.allocate(source.type, [rows.length, tokens, channels], 'attention');
    this.submit('attention', (encoder) =>
      attention.encode(encoder, { q: source.storage, k: own(k).storage, v: own(v).storage, out: out.storage }, rows),
    );
    return out;
  }

  async modelInput(
    latents: DeviceTensor,
    images: readonly number[],
    scale: number,
    type: ElemType,
    shift = 0,
    beside: DeviceTensor | null = null,
  ): Promise<DeviceTensor> {
    const out = this.allocate(type, rowsBeside(images.length, latents, beside), 'model input');
    const besideElements = beside ? elements(beside.dims.slice(1)) : 0;
    const kernel = await createModelInput(
      this.compiler,
      { images: latents.dims[0]!, elements: elements(latents.dims.slice(1)), besideElements },
      out.elem,
    );
    const buffers = { latents: own(latents).storage, beside: beside && own(beside).storage, out: out.storage };
    this.submit('model input', (encoder) => kernel.encode(encoder, buffers, images, scale, shift));
    return out;
  }

  async maskBlend({ known, ...tensors }: BlendInput): Promise<DeviceTensor> {
    const kernel = await createMaskBlend(this.compiler, blendShape(tensors));
    const out = this.allocate('float32', tensors.latents.dims, 'blended latents');
    const buffers = {
      latents: own(tensors.latents).storage,
      start: own(tensors.start).storage,
      startNoise: own(tensors.startNoise).storage,
      mask: own(tensors.mask).storage,
      out: out.storage,
    };
    this.submit('mask blend', (encoder) => kernel.encode(encoder, buffers, known));
    return out;
  }

  async rescaledGuidance({ predictions, latents, images, guidance, denoised }: GuidanceInput): Promise<DeviceTensor> {
    const [rows, channels, height, width] = predictions.dims as [number, number, number, number];
    const source = own(predictions);
    const kernel = await createRescaledGuidance(this.compiler, { rows, channels, height, width }, source.elem);
    const combined = this.allocate('float32', latents.dims, 'rescaled guidance');
    const buffers = { predictions: source.storage, latents: own(latents).storage, combined: combined.storage };
    this.submit('rescaled guidance', (encoder) => kernel.encode(encoder, buffers, images, guidance, denoised));
    return combined;
  }

  async guidedStep(input: StepInput): Promise<StepOutput> {
    const { dims } = input.latents;
    const predictions = own(input.predictions);
    const latents = this.allocate('float32', dims, 'latents');
    const denoised = this.allocate('float32', dims, 'denoised');
    const history = this.allocate('float32', input.history.dims, 'history');
    const shape = {
      rows: predictions.dims[0]!,
      images: dims[0]!,
      elements: elements(dims.slice(1)),
      depth: history.dims[0]!,
    };
    const kernel = await createGuidedStep(this.compiler, shape, predictions.elem);
    this.submit('guided step', (encoder) =>
      kernel.encode(
        encoder,
        {
          predictions: predictions.storage,
          latents: own(input.latents).storage,
          history: own(input.history).storage,
          noise: input.noise ? own(input.noise).storage : null,
          nextLatents: latents.storage,
          denoised: denoised.storage,
          nextHistory: history.storage,
        },
        input.weights,
        input.coefficients,
      ),
    );
    return { latents, denoised, history };
  }

  async read(tensor: DeviceTensor): Promise<Float32Array> {
    return (await this.readAll([tensor]))[0]!;
  }

  async readAll(tensors: readonly DeviceTensor[]): Promise<Float32Array[]> {
    let size = 0;
    const parts = tensors.map((tensor) => {
      const { storage, type, dims } = own(tensor);
      const [at, count] = [size, elements(dims)];
      const bytes = Math.ceil((count * BYTES[type]) / 4) * 4;
      size += bytes;
      return { storage, type, at, count, bytes };
    });
    const work = async () => {
      const staging = this.device.createBuffer({
        label: 'read back',
        size,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      this.submit('read back', (encoder) => {
        for (const { storage, at, bytes } of parts) encoder.copyBufferToBuffer(storage, 0, staging, at, bytes);
      });
      try {
        await staging.mapAsync(GPUMapMode.READ);
        const copy = staging.getMappedRange().slice(0);
        return parts.map(({ type, at, count }) =>
          type === 'float16' ? float16ToFloat32(new Uint16Array(copy, at, count)) : new Float32Array(copy, at, count),
        );
      } finally {
        staging.destroy();
      }
    };
    return this.guarded(A_RESULT, work, true);
  }

  async recover(): Promise<void> {
    await this.told();
    this.refused = null;
  }

  async dispose(): Promise<void> {
    await this.capture?.dispose();
    this.device.removeEventListener('uncapturederror', this.hear);
    this.compiler.dispose();
    this.device.destroy();
  }

  private submit(label: string, encode: (encoder: GPUCommandEncoder) => void): void {
    const encoder = this.device.createCommandEncoder({ label });
    encode(encoder);
    this.device.queue.submit([encoder.finish()]);
  }

  private allocate(type: ElemType, dims: readonly number[], label: string): GpuTensor {
    return GpuTensor.allocate(this.ort, this.device, type, dims, label);
  }

  private beside(type: ElemType, dims: readonly number[], data: Data): GpuTensor {
    return new GpuTensor(type, dims, new this.ort.Tensor(type as 'int32', data as Int32Array, dims), null, () => {});
  }

  /**
   * Tells a lost device, and a buffer or command that the GPU refused, from other failures: they look alike from ONNX
   * Runtime, or like nothing at all, since what reads a refused buffer reads zeros.
   */
  private async guarded<T>(what: string, work: () => Promise<T>, isOfQueue = false): Promise<T> {
    const outcome = await this.waits.during(what, work, isOfQueue).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    if ('error' in outcome) await this.told();
    const fault = this.fault();
    if (fault) throw fault;
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /**
   * By then the device has told what became of all that was asked of it so far, its own loss included. A mapping ends
   * at once where a device is destroyed, but that it is lost is told by the GPU's process, which may be busy for
   * seconds: it answers in turn, so what is asked of it now is answered behind that. Events are told in a turn of their
   * own.
   */
  private async told(): Promise<void> {
    await Promise.race([this.device.lost, this.settled().catch(() => undefined)]);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  private settled(): Promise<void> {
    return this.waits.during(THE_QUEUE, () => this.device.queue.onSubmittedWorkDone(), true);
  }

  private fault(): EngineError | null {
    if (!this.lost) return this.refused ? refusal(this.refused) : null;
    return new EngineError(
      'device-lost',
      'The GPU went away (a driver reset, or another program took it). Press Generate to start again, or use the CPU.',
      `${this.lost.reason}: ${this.lost.message}`,
    );
  }
}

/**
 * A buffer that is too large for the device is a validation error; one for which there is no room, an error of its own.
 */
function refusal(error: GPUError): EngineError {
  const [code, what] =
    error instanceof GPUOutOfMemoryError
      ? (['out-of-memory', 'The GPU has not enough memory for this model and these settings.'] as const)
      : (['gpu-refused', 'The GPU refused a part of the work, such as a buffer beyond its limits.'] as const);
  return new EngineError(
    code,
    `${what} Use the CPU, or a smaller model.`,
    `${error.constructor.name}: ${error.message}`,
  );
}
