// Cancel is an AbortError, noticed between segments. ONNX Runtime's WASM runs hold the thread, so the worker must
// give the event loop a turn before it looks: only then can a cancel message arrive.

const channel = new MessageChannel();
const waiting: (() => void)[] = [];
channel.port1.onmessage = () => waiting.shift()?.();

/** A turn of the event loop (no timer: those are clamped to 4 ms). Throws AbortError where `signal` is aborted. */
export async function checkpoint(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    waiting.push(resolve);
    channel.port2.postMessage(null);
  });
  signal.throwIfAborted();
}

/** For what nobody cancels. */
export const NEVER = new AbortController().signal;

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
