// ONNX Runtime's web build in Node, for tests: the same WASM and WebGPU providers that browsers run. With a Dawn
// device WebGPU runs on whatever Vulkan driver the machine has.

import type { Ort } from '../runtime';

/**
 * For the CPU alone: without WebGPU the build needs no asyncify, with which the same kernels take three times as long.
 */
export async function loadNodeRuntime(): Promise<Ort> {
  // The same interface, with fewer providers behind it.
  return configured(await import('onnxruntime-web/wasm'));
}

/** With WebGPU: ONNX Runtime looks for navigator.gpu, and its queue writes must suit Dawn in Node. */
export async function loadNodeGpuRuntime(gpu: GPU): Promise<Ort> {
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  copyQueueWrites();
  return configured(await import('onnxruntime-web/webgpu'));
}

function configured(ort: Ort): Ort {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  return ort;
}

/** ONNX Runtime hands over views of (shared) WASM memory; Dawn in Node takes only plain copies. */
function copyQueueWrites(): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on its own queue below
  const write = GPUQueue.prototype.writeBuffer;
  GPUQueue.prototype.writeBuffer = function copied(buffer, offset, data, dataOffset = 0, size) {
    const view = ArrayBuffer.isView(data);
    const unit = view && 'BYTES_PER_ELEMENT' in data ? (data.BYTES_PER_ELEMENT as number) : 1;
    const start = (view ? data.byteOffset : 0) + dataOffset * unit;
    const bytes = size === undefined ? data.byteLength - dataOffset * unit : size * unit;
    const memory = (view ? data.buffer : data) as ArrayBuffer;
    write.call(this, buffer, offset, new Uint8Array(memory, start, bytes).slice());
  };
}
