// A tensor of the WebGPU backend: a buffer on the GPU with ONNX Runtime's name for it, or numbers that stay on the CPU.
// Buffers are multiples of 16 bytes, as ONNX Runtime wants them.

import type { ElementType } from '../kernels/compiler';
import { float32ToFloat16 } from '../kernels/float16';
import { elements, type DeviceTensor, type ElemType } from './backend';
import type { Data } from './rowData';
import type { Ort } from './runtime';

export type OrtTensor = InstanceType<Ort['Tensor']>;

export const BYTES: Readonly<Record<ElemType, number>> = { float32: 4, float16: 2, int64: 8, int32: 4 };

export class GpuTensor implements DeviceTensor {
  constructor(
    readonly type: ElemType,
    readonly dims: readonly number[],
    readonly ort: OrtTensor,
    /** null for a tensor that stays on the CPU: integers, such as timesteps, token ids and sizes. */
    readonly buffer: GPUBuffer | null,
    private readonly release: () => void,
  ) {}

  /** A buffer of its own, filled with zeros. */
  static allocate(ort: Ort, device: GPUDevice, type: ElemType, dims: readonly number[], label: string): GpuTensor {
    const size = Math.max(16, Math.ceil((elements(dims) * BYTES[type]) / 16) * 16);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ label, size, usage });
    const named = ort.Tensor.fromGpuBuffer(buffer, { dataType: type as 'float32', dims });
    return new GpuTensor(type, dims, named, buffer, () => buffer.destroy());
  }

  /** What a session made; `label` names it in errors. */
  static made(tensor: OrtTensor, label: string): GpuTensor {
    if (tensor.location !== 'gpu-buffer') throw new Error(`${label} did not stay on the GPU.`);
    return new GpuTensor(tensor.type as ElemType, tensor.dims, tensor, tensor.gpuBuffer, () => tensor.dispose());
  }

  dispose(): void {
    this.release();
  }

  get storage(): GPUBuffer {
    if (this.buffer) return this.buffer;
    throw new Error('This tensor has no GPU buffer.');
  }

  /** Of a tensor that stays on the CPU. */
  get data(): Data {
    return this.ort.data as Data;
  }

  get elem(): ElementType {
    return this.type === 'float16' ? 'f16' : 'f32';
  }
}

/** The tensors that reach a backend are those that it made. */
export function own(tensor: DeviceTensor): GpuTensor {
  if (tensor instanceof GpuTensor) return tensor;
  throw new Error('This tensor belongs to another backend.');
}

/** Bytes of one row. @throws Error where rows cannot be copied one by one: copies are multiples of 4 bytes. */
export function rowBytes({ dims, type }: DeviceTensor): number {
  const bytes = elements(dims.slice(1)) * BYTES[type];
  if (bytes % 4 !== 0) throw new Error(`A row of ${bytes} bytes cannot be copied on the GPU.`);
  return bytes;
}

/** Numbers as a float tensor's buffer holds them; halves in pairs, since writeBuffer copies multiples of 4 bytes. */
export function floatData(
  type: ElemType,
  values: ArrayLike<number>,
): Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  const single = Float32Array.from(values);
  if (type !== 'float16') return single;
  const halves = new Uint16Array(2 * Math.ceil(single.length / 2));
  halves.set(float32ToFloat16(single));
  return halves;
}
