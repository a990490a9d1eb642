// What people are told where ONNX Runtime fails to build a graph or to run it. It reports memory that it was refused in
// words (std::bad_alloc, "Failed to allocate memory …"), as a GPU does (a buffer or a binding beyond its largest size);
// what leaves its WASM otherwise, a trap, an abort or a C++ exception as a bare number, has been for want of memory
// too. All else that it reports is no matter of memory: sizes beyond the 32 bits that WASM counts in ("Integer
// overflow"), or an operator that refuses its inputs.

import { EngineError } from '../protocol/errors';
import type { Backend } from './backend';

/** `during` building the session, or a run of it. What is an EngineError already stays as it is. */
export function runtimeFailure(
  cause: unknown,
  file: string,
  { kind }: Pick<Backend, 'kind'>,
  during: 'build' | 'run',
): EngineError {
  if (cause instanceof EngineError) return cause;
  const onCpu = kind === 'wasm';
  const detail = cause instanceof Error ? cause.message : String(cause);
  if (speaksOfMemory(cause)) {
    const advice = onCpu
      ? 'A page has at most 4 GB on the CPU. Choose a smaller size, or a smaller model.'
      : 'Use the CPU, or a smaller model.';
    const what = `ONNX Runtime failed in ${file}: this device may not have the memory for it.`;
    return new EngineError('out-of-memory', `${what} ${advice}`, detail, { cause });
  }
  if (during === 'build') {
    const advice = onCpu ? 'Choose another model.' : 'Try the CPU, or another model.';
    return new EngineError('session-build', `ONNX Runtime cannot run ${file} on this device. ${advice}`, detail, {
      cause,
    });
  }
  const advice = onCpu ? 'Try a smaller size, or another model.' : 'Try a smaller size, the CPU, or another model.';
  return new EngineError('run-failed', `ONNX Runtime cannot compute ${file} with these settings. ${advice}`, detail, {
    cause,
  });
}

function speaksOfMemory(cause: unknown): boolean {
  if (!(cause instanceof Error) || cause instanceof WebAssembly.RuntimeError || cause instanceof RangeError)
    return true;
  return /alloc|memory|(buffer|binding) ?size/i.test(cause.message);
}
