// The page's end of the model store: spawns its worker, again where one has failed, and gives each request a promise.
// Nothing is sent to any server before the visitor asks for it.

import { ownFileError } from '../loading/loadError';
import { anotherAddress, whyNotStarted } from '../loading/loadScript';
import { FetchError, asFetchError } from './fetchError';
import type { Found, LibraryEvent, LibraryMessage, LibraryRequest, LoraFound, StoredModel } from './libraryMessages';
import modelsWorkerUrl from './modelsWorker.ts?worker&url';

type Inspect = Extract<LibraryRequest, { type: 'inspect' }>;

interface Waiting {
  readonly resolve: (answer: Found | File | null) => void;
  readonly reject: (error: FetchError) => void;
}

export interface WorkerSource {
  /** `again` after one that never started: the browser may remember that it did not. */
  readonly spawn: (again: boolean) => Worker;
  /** What kept it from starting, for people; null where its script is as it should be. */
  readonly explain: () => Promise<unknown>;
}

const WORKER = new URL(modelsWorkerUrl, import.meta.url).href;

const OWN_WORKER: WorkerSource = {
  spawn: (again) => new Worker(again ? anotherAddress(WORKER) : WORKER, { type: 'module', name: 'models' }),
  explain: async () => {
    const why = await whyNotStarted(WORKER);
    return why && ownFileError(why, 'worker-crashed', 'The part of Pagoda that fetches models');
  },
};

export class Library {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;
  /** Has the worker at hand said anything. */
  private started = false;
  private again = false;

  constructor(
    private readonly onModels: (models: readonly StoredModel[]) => void,
    private readonly source: WorkerSource = OWN_WORKER,
  ) {}

  /** Settles when the worker has taken the request. Rejects with FetchError. */
  async ask(request: Exclude<LibraryRequest, { type: 'inspect' | 'fetchLora' }>): Promise<void> {
    await this.send(request);
  }

  /** What would be fetched, or of what to choose. Rejects with FetchError, or AbortError of `signal`. */
  async inspect(asked: Omit<Inspect, 'type'>, signal: AbortSignal): Promise<Found> {
    signal.throwIfAborted();
    return (await this.send({ type: 'inspect', ...asked }, signal)) as Found;
  }

  /** Rejects with FetchError, or AbortError of `signal`. */
  async fetchLora(lora: LoraFound, signal: AbortSignal): Promise<File> {
    signal.throwIfAborted();
    return (await this.send({ type: 'fetchLora', lora }, signal)) as File;
  }

  private send(request: LibraryRequest, signal?: AbortSignal): Promise<Found | File | null> {
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      signal?.addEventListener(
        'abort',
        () => {
          if (this.waiting.delete(id)) this.post({ type: 'forget', id });
          reject(signal.reason as Error);
        },
        { once: true },
      );
      this.post({ type: 'ask', id, request });
    });
  }

  private post(message: LibraryMessage): void {
    this.worker ??= this.start();
    this.worker.postMessage(message);
  }

  private start(): Worker {
    const worker = this.source.spawn(this.again);
    this.started = false;
    worker.onmessage = (message: MessageEvent<LibraryEvent>) => this.receive(message.data);
    worker.onerror = (event) => {
      event.preventDefault();
      if (this.worker !== worker) return;
      worker.terminate();
      this.worker = null; // the next request starts another
      this.again = !this.started;
      const cutOff = [...this.waiting.values()];
      this.waiting.clear();
      void this.whyItEnded(event.message).then((error) => {
        for (const { reject } of cutOff) reject(error);
      });
    };
    return worker;
  }

  private async whyItEnded(detail: string): Promise<FetchError> {
    const [what, why] = this.started
      ? ['stopped', null]
      : ['could not start', await this.source.explain().catch(() => null)];
    if (why) return asFetchError(why);
    return new FetchError(
      'worker',
      `The part of Pagoda that fetches models ${what}. Try again; what has come is kept.`,
      detail || 'the worker failed',
    );
  }

  private receive(event: LibraryEvent): void {
    this.started = true;
    if (event.type === 'models') {
      this.onModels(event.models);
      return;
    }
    const waiting = this.waiting.get(event.id);
    this.waiting.delete(event.id);
    if (event.type === 'taken') waiting?.resolve(event.answer);
    else waiting?.reject(new FetchError(event.error.code, event.error.message, event.error.detail));
  }
}
