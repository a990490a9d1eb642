// The worker's end of the wire: requests are served one after the other, cancels and pings at once. A load is only a
// warm-up, so a newer request ends it; where that is a run of the same model it takes over what was begun. Of runs one
// is under way and at most one waits: the newest. What is decoded to be looked at makes way for a run.

import { toErrorData } from './errors';
import type { DecodedEvent, EngineEvent, LoadEndedEvent, PongEvent } from './events';
import type { Pixels } from './pictureData';
import type { DecodeRequest, EngineRequest, FitRequest, GenerateRequest, LoadRequest, WeighRequest } from './requests';

/** The reason of an abort whose cause takes over what is under way. */
export const HANDED_OVER = new DOMException('A run of the same model goes on with it.', 'AbortError');

export interface EngineService {
  load(request: LoadRequest, signal: AbortSignal): Promise<void>;
  /**
   * Ends by emitting `done`, or throws.
   * It is asked with a signal that is aborted already too: what was handed over to it ends.
   */
  generate(request: GenerateRequest, signal: AbortSignal): Promise<void>;
  /** @throws EngineError, or AbortError */
  decode(request: DecodeRequest, signal: AbortSignal): Promise<Pixels>;
  /** Emits `fit`, where a model is loaded. */
  fit(request: FitRequest): void;
  /** Emits `verdict` and `costs`, where a model is loaded. */
  weigh(request: WeighRequest): void;
}

/** Returns the function that takes each request. */
export function serve(
  service: EngineService,
  emit: (event: EngineEvent | LoadEndedEvent | PongEvent | DecodedEvent) => void,
): (request: EngineRequest) => void {
  const aborts = new Map<string, AbortController>();
  let loading: { readonly request: LoadRequest; readonly abort: AbortController } | null = null;
  const decoding = new Map<number, AbortController>();
  let running: string | null = null;
  let last: Promise<void> = Promise.resolve();

  const enqueue = (job: () => Promise<void>) => {
    last = last.then(job);
  };

  const endDecoding = () => {
    for (const abort of decoding.values()) abort.abort();
  };

  return (request) => {
    switch (request.type) {
      case 'load': {
        loading?.abort.abort();
        endDecoding();
        const abort = new AbortController();
        loading = { request, abort };
        enqueue(async () => {
          try {
            abort.signal.throwIfAborted();
            await service.load(request, abort.signal);
          } catch (error) {
            if (!abort.signal.aborted) emit({ type: 'error', runId: null, error: toErrorData(error) });
          }
          emit({ type: 'load-ended', loadId: request.loadId });
        });
        return;
      }
      case 'generate': {
        loading?.abort.abort(isOfSameModel(loading.request, request) ? HANDED_OVER : undefined);
        for (const [runId, waiting] of aborts) if (runId !== running) waiting.abort();
        endDecoding();
        const abort = new AbortController();
        aborts.set(request.runId, abort);
        enqueue(async () => {
          running = request.runId;
          try {
            await service.generate(request, abort.signal);
          } catch (error) {
            if (abort.signal.aborted) emit({ type: 'cancelled', runId: request.runId });
            else emit({ type: 'error', runId: request.runId, error: toErrorData(error) });
          } finally {
            aborts.delete(request.runId);
            running = null;
          }
        });
        return;
      }
      case 'decode': {
        const { decodeId } = request;
        const abort = new AbortController();
        decoding.set(decodeId, abort);
        enqueue(async () => {
          const picture = await service.decode(request, abort.signal).catch((error: unknown) => toErrorData(error));
          decoding.delete(decodeId);
          emit({ type: 'decoded', decodeId, picture: abort.signal.aborted ? null : picture });
        });
        return;
      }
      case 'end-decode':
        decoding.get(request.decodeId)?.abort();
        return;
      case 'fit':
        service.fit(request);
        return;
      case 'weigh':
        service.weigh(request);
        return;
      case 'cancel':
        aborts.get(request.runId)?.abort();
        return;
      case 'ping':
        emit({ type: 'pong', ping: request.ping });
    }
  };
}

function isOfSameModel(load: LoadRequest, { model, settings }: GenerateRequest): boolean {
  return load.model.id === model.id && load.settings.backend === settings.backend;
}
