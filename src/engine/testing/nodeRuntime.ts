// ONNX Runtime's web build in Node, for tests: the same WASM and WebGPU providers that browsers run. With a Dawn
// device WebGPU runs on whatever Vulkan driver the machine has.

import type { Ort } from '../runtime';

export async function loadNodeRuntime(): Promise<Ort> {
  const ort: Ort = await import('onnxruntime-web/webgpu');
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  return ort;
}

/** ONNX Runtime hands Dawn views of WASM memory; Dawn in Node takes only copies. */
export function acceptSharedViews(device: GPUDevice): void {
  const { queue } = device;
  const write = queue.writeBuffer.bind(queue);
  queue.writeBuffer = (buffer, offset, data, dataOffset = 0, size = undefined) => {
    if (!ArrayBuffer.isView(data)) {
      write(buffer, offset, new Uint8Array(data as ArrayBuffer, dataOffset, size).slice());
      return;
    }
    const unit = 'BYTES_PER_ELEMENT' in data ? (data.BYTES_PER_ELEMENT as number) : 1;
    const start = data.byteOffset + dataOffset * unit;
    const bytes = size === undefined ? data.byteLength - dataOffset * unit : size * unit;
    write(buffer, offset, new Uint8Array(data.buffer as ArrayBuffer, start, bytes).slice());
  };
}
