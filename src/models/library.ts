// The page's end of the model store: spawns its worker, again where one has failed, and gives each request a promise.
// Nothing is sent to any server before the visitor asks for it.

import { FetchError } from './fetchError';
import type { HubEntry } from './hubCatalog';
import type { LibraryEvent, LibraryMessage, LibraryRequest, Plan, StoredModel } from './messages';
import type { RepoId } from './repoId';

interface Waiting {
  readonly resolve: (plan: Plan | null) => void;
  readonly reject: (error: FetchError) => void;
}

const spawnWorker = () => new Worker(new URL('./modelsWorker.ts', import.meta.url), { type: 'module', name: 'models' });

export class Library {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  constructor(private readonly onModels: (models: readonly StoredModel[]) => void, private readonly spawn: () => Worker = spawnWorker) {}

  /** Settles when the worker has taken the request. Rejects with FetchError. */
  async ask(request: Exclude<LibraryRequest, { type: 'inspect' }>): Promise<void> {
    await this.send(request);
  }

  /** What would be fetched. Rejects with FetchError, or AbortError of `signal`. */
  async inspect(repo: RepoId, hubUrl: string, entry: HubEntry | null, signal: AbortSignal): Promise<Plan> {
    signal.throwIfAborted();
    return (await this.send({ type: 'inspect', repo, hubUrl, entry }, signal)) as Plan;
  }

  private send(request: LibraryRequest, signal?: AbortSignal): Promise<Plan | null> {
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      signal?.addEventListener('abort', () => {
        if (!this.waiting.delete(id)) return;
        this.post({ type: 'forget', id });
        reject(signal.reason as Error);
      }, { once: true });
      this.post({ type: 'ask', id, request });
    });
  }

  private post(message: LibraryMessage): void {
    this.worker ??= this.start();
    this.worker.postMessage(message);
  }

  private start(): Worker {
    const worker = this.spawn();
    worker.onmessage = (message: MessageEvent<LibraryEvent>) => this.receive(message.data);
    worker.onerror = (event) => {
      event.preventDefault();
      if (this.worker !== worker) return;
      worker.terminate();
      this.worker = null; // the next request starts another
      const error = new FetchError('storage', 'The part of Pagoda that fetches models could not start. Check the connection and try again; after an update of Pagoda, reload the page.', event.message || 'the worker failed');
      const cutOff = [...this.waiting.values()];
      this.waiting.clear();
      for (const { reject } of cutOff) reject(error);
    };
    return worker;
  }

  private receive(event: LibraryEvent): void {
    if (event.type === 'models') {
      this.onModels(event.models);
      return;
    }
    const waiting = this.waiting.get(event.id);
    this.waiting.delete(event.id);
    if (event.type === 'taken') waiting?.resolve(event.plan);
    else waiting?.reject(new FetchError(event.error.code, event.error.message, event.error.detail));
  }
}
