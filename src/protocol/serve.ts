// The worker's end of the wire: requests are served one after the other, cancels at once. A load is only a
// warm-up, so a generate that arrives cuts it short.

import { toErrorData } from './errors';
import type { EngineEvent, EngineRequest, FitRequest, GenerateRequest, LoadRequest } from './messages';

export interface EngineService {
  load(request: LoadRequest, signal: AbortSignal): Promise<void>;
  /** Ends by emitting `done`, or throws. */
  generate(request: GenerateRequest, signal: AbortSignal): Promise<void>;
  /** Emits `fit`, where a model is loaded. */
  fit(request: FitRequest): void;
}

/** Returns the function that takes each request. */
export function serve(service: EngineService, emit: (event: EngineEvent) => void): (request: EngineRequest) => void {
  const aborts = new Map<string, AbortController>();
  let loading: AbortController | null = null;
  let last: Promise<void> = Promise.resolve();

  const enqueue = (job: () => Promise<void>) => {
    last = last.then(job);
  };

  return (request) => {
    switch (request.type) {
      case 'load': {
        loading?.abort();
        const abort = new AbortController();
        loading = abort;
        enqueue(async () => {
          try {
            await service.load(request, abort.signal);
          } catch (error) {
            if (!abort.signal.aborted) emit({ type: 'error', runId: null, error: toErrorData(error) });
          }
        });
        return;
      }
      case 'generate': {
        loading?.abort();
        const abort = new AbortController();
        aborts.set(request.runId, abort);
        enqueue(async () => {
          try {
            abort.signal.throwIfAborted();
            await service.generate(request, abort.signal);
          } catch (error) {
            if (abort.signal.aborted) emit({ type: 'cancelled', runId: request.runId });
            else emit({ type: 'error', runId: request.runId, error: toErrorData(error) });
          } finally {
            aborts.delete(request.runId);
          }
        });
        return;
      }
      case 'fit':
        service.fit(request);
        return;
      case 'cancel':
        aborts.get(request.runId)?.abort();
    }
  };
}
