// The only door to onnxruntime-web. Browsers with JSPI (WebAssembly stack switching) get that build, the others
// asyncify's; both hold the WebGPU and the WASM provider. The glue's own URL is given, so that WASM threads load
// the glue and not this worker.

import asyncifyGlue from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import asyncifyWasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import jspiGlue from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url';
import type * as ortTypes from 'onnxruntime-web/webgpu';
import jspiWasm from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url';

export type Ort = typeof ortTypes;

export async function loadRuntime(): Promise<Ort> {
  const jspi = 'Suspending' in WebAssembly;
  const ort: Ort = jspi ? await import('onnxruntime-web/jspi') : await import('onnxruntime-web/webgpu');
  const absolute = (url: string) => new URL(url, import.meta.url).href;
  ort.env.wasm.wasmPaths = jspi
    ? { mjs: absolute(jspiGlue), wasm: absolute(jspiWasm) }
    : { mjs: absolute(asyncifyGlue), wasm: absolute(asyncifyWasm) };
  ort.env.wasm.numThreads = threadCount();
  ort.env.logLevel = 'error';
  return ort;
}

/** Threads need SharedArrayBuffer, which needs cross-origin isolation. More than 8 stop helping. */
export function threadCount(): number {
  return globalThis.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency) : 1;
}
