// Numbers into GPU buffers and back, and reproducible pseudo-random numbers: what every kernel test needs.

import { float16ToFloat32, float32ToFloat16 } from '../float16';
import type { ElementType } from '../compiler';

/** A storage buffer that holds `data`; its size is rounded up to 16 bytes. */
export function upload(device: GPUDevice, label: string, data: ArrayBufferView): GPUBuffer {
  const buffer = device.createBuffer({
    label,
    size: Math.max(16, Math.ceil(data.byteLength / 16) * 16),
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    mappedAtCreation: true,
  });
  new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  buffer.unmap();
  return buffer;
}

/** The whole buffer's bytes, after all work submitted so far. */
export async function download(device: GPUDevice, buffer: GPUBuffer): Promise<ArrayBuffer> {
  const staging = device.createBuffer({
    label: `${buffer.label}, read back`,
    size: buffer.size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const encoder = device.createCommandEncoder({ label: 'read back' });
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const bytes = staging.getMappedRange().slice(0);
  staging.destroy();
  return bytes;
}

/** f32 numbers as they are stored: themselves, or rounded to f16 bits. */
export function store(values: Float32Array, elem: ElementType): Float32Array | Uint16Array {
  return elem === 'f16' ? float32ToFloat16(values) : values;
}

/** The first `length` stored numbers, as f32. */
export function load(bytes: ArrayBuffer, elem: ElementType, length: number): Float32Array {
  return elem === 'f16' ? float16ToFloat32(new Uint16Array(bytes, 0, length)) : new Float32Array(bytes, 0, length);
}

/** Values in −1 … 1, the same for the same seed (mulberry32). */
export function pseudoRandom(length: number, seed: number, scale = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return scale * (((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1);
  });
}

/** Largest |a − b|; NaN counts as infinite, and so does a difference in length. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.length; i += 1) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst;
}
