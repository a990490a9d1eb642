// The page's end of the wire. Owns the worker: a worker that dies is replaced, and whatever it was doing
// ends with a `worker-crashed` error, so no run stays open and no button stays disabled.

import type { EngineErrorCode, EngineErrorData } from './errors';
import type { EngineEvent, EngineRequest } from './messages';

/** What leaves ONNX Runtime or the GPU in a state that only a new worker mends. */
const FATAL: ReadonlySet<EngineErrorCode> = new Set(['device-lost', 'out-of-memory', 'gpu-refused', 'internal']);

export type EngineListener = (event: EngineEvent) => void;

export class EngineClient {
  private worker: Worker | null = null;
  private readonly listeners = new Set<EngineListener>();
  private readonly openRuns = new Set<string>();

  /** @param spawn makes the engine worker; called again after a crash. */
  constructor(private readonly spawn: () => Worker) {}

  /** Returns the function that unsubscribes. */
  subscribe(listener: EngineListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  send(request: EngineRequest): void {
    if (request.type === 'generate') this.openRuns.add(request.runId);
    this.worker ??= this.start();
    this.worker.postMessage(request);
  }

  dispose(): void {
    this.worker?.terminate();
    this.worker = null;
    this.listeners.clear();
  }

  private start(): Worker {
    const worker = this.spawn();
    worker.onmessage = (message: MessageEvent<EngineEvent>) => this.receive(message.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.crashed(worker, event.message || 'The worker script could not be loaded.');
    };
    worker.onmessageerror = () => this.crashed(worker, 'A message could not be read.');
    return worker;
  }

  private receive(event: EngineEvent): void {
    if (event.type === 'done' || event.type === 'cancelled') this.openRuns.delete(event.runId);
    if (event.type === 'error' && event.runId !== null) this.openRuns.delete(event.runId);
    for (const listener of this.listeners) listener(event);
    if (event.type === 'error' && FATAL.has(event.error.code)) this.replaceWorker(event.error);
  }

  /** After such an error the worker's state cannot be trusted: the next request starts another. */
  private replaceWorker(error: EngineErrorData): void {
    this.worker?.terminate();
    this.worker = null;
    const runs = [...this.openRuns];
    this.openRuns.clear();
    for (const runId of runs) this.receive({ type: 'error', runId, error });
  }

  private crashed(worker: Worker, detail: string): void {
    if (this.worker !== worker) return;
    worker.terminate();
    this.worker = null;
    const error: EngineErrorData = {
      code: 'worker-crashed',
      message: 'The engine stopped unexpectedly. Your settings and images are safe; press Generate to start it again.',
      detail,
    };
    const runs = this.openRuns.size > 0 ? [...this.openRuns] : [null];
    this.openRuns.clear();
    for (const runId of runs) this.receive({ type: 'error', runId, error });
  }
}
