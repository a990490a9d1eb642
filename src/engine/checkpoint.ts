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

/** Left to itself once `signal` is aborted: for what holds nothing that is needed, a read-back. Throws AbortError. */
export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason as Error);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

/** For what nobody cancels. */
export const NEVER = new AbortController().signal;
