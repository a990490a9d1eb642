// The only door to onnxruntime-web. Browsers with JSPI (WebAssembly stack switching) get that build, the others
// asyncify's; both hold the WebGPU and the WASM provider. All its files are loaded by ../loading and handed over:
// what ONNX Runtime fetches itself it asks for once, without count, and a failure is final. The glue's own URL is
// given, so that WASM threads load the glue and not this worker.

import asyncify from 'onnxruntime-web/webgpu?url';
import asyncifyGlue from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import asyncifyWasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import jspi from 'onnxruntime-web/jspi?url';
import jspiGlue from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url';
import type * as ortTypes from 'onnxruntime-web/webgpu';
import jspiWasm from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url';
import { fetchFile, type FetchOptions } from '../loading/fetchFile';
import { ownFileError } from '../loading/loadError';
import { loadScript } from '../loading/loadScript';
import { FLOAT } from '../onnx/file/model';
import { EngineError } from '../protocol/errors';
import { identityGraph } from './identityGraph';
import type { LoadTally } from './loadTally';

export type Ort = typeof ortTypes;

/** Bytes by name in onnxruntime-web's `dist`, put in by the build: a server that packs its answers does not tell. */
declare const __RUNTIME_BYTES__: Readonly<Record<string, number>>;

/** Name in `dist`, URL. */
type RuntimeFile = readonly [string, string];
const BUILDS: Readonly<Record<'jspi' | 'asyncify', Readonly<Record<'script' | 'glue' | 'wasm', RuntimeFile>>>> = {
  jspi: {
    script: ['ort.jspi.min.mjs', jspi],
    glue: ['ort-wasm-simd-threaded.jspi.mjs', jspiGlue],
    wasm: ['ort-wasm-simd-threaded.jspi.wasm', jspiWasm],
  },
  asyncify: {
    script: ['ort.webgpu.min.mjs', asyncify],
    glue: ['ort-wasm-simd-threaded.asyncify.mjs', asyncifyGlue],
    wasm: ['ort-wasm-simd-threaded.asyncify.wasm', asyncifyWasm],
  },
};
export const RUNTIME_BUILD = 'Suspending' in WebAssembly ? 'jspi' : 'asyncify';
const BUILD = BUILDS[RUNTIME_BUILD];

/** Sizes of what `loadRuntime` loads, for the tally. */
export function runtimeBytes(): Record<string, number> {
  return Object.fromEntries(Object.values(BUILD).map(([name]) => [name, __RUNTIME_BYTES__[name] ?? 0]));
}

/**
 * ONNX Runtime, started. Once its files are here a signal is not heard any more: a start cannot be taken back.
 * @throws EngineError `runtime-failed` or `version-gone`, which only another worker mends; or the reason of `signal`.
 */
export async function loadRuntime(signal: AbortSignal, tally: LoadTally): Promise<Ort> {
  const { script, glue, wasm } = await files(signal, tally).catch((error: unknown) =>
    Promise.reject(ownFileError(error, 'runtime-failed', 'ONNX Runtime') as Error),
  );
  try {
    const ort = script.module as Ort;
    ort.env.wasm.wasmPaths = { mjs: glue.url, wasm: absolute(BUILD.wasm[1]) };
    ort.env.wasm.wasmBinary = await wasm.arrayBuffer();
    ort.env.wasm.numThreads = threadCount();
    ort.env.logLevel = 'error';
    await start(ort);
    delete ort.env.wasm.wasmBinary;
    return ort;
  } catch (cause) {
    throw new EngineError(
      'runtime-failed',
      'ONNX Runtime could not be started. Try again; if that does not help, update the browser, or free memory.',
      String(cause),
      { cause },
    );
  }
}

async function files(signal: AbortSignal, tally: LoadTally) {
  tally.tell('Loading ONNX Runtime');
  const counted = (name: string): FetchOptions => ({
    signal,
    onBytes: (loaded, total) => tally.count(name, loaded, total),
  });
  const script = await loadScript(absolute(BUILD.script[1]), counted(BUILD.script[0]));
  const glue = await loadScript(absolute(BUILD.glue[1]), counted(BUILD.glue[0]));
  const wasm = await fetchFile(absolute(BUILD.wasm[1]), counted(BUILD.wasm[0]));
  return { script, glue, wasm };
}

/** ONNX Runtime starts with its first session; in one of a model a failure would look like the graph's. */
async function start(ort: Ort): Promise<void> {
  const session = await ort.InferenceSession.create(identityGraph(FLOAT), { executionProviders: ['wasm'] });
  await session.release();
}

function absolute(url: string): string {
  return new URL(url, import.meta.url).href;
}

/** Threads need SharedArrayBuffer, which needs cross-origin isolation. More than 8 stop helping. */
export function threadCount(): number {
  return globalThis.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency) : 1;
}
