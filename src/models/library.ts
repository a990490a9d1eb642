// The page's end of the model store: spawns its worker and passes messages. Nothing is sent to any server before
// the visitor asks for it.

import type { LibraryEvent, LibraryRequest, Plan } from './messages';
import type { RepoId } from './repoId';
import { FetchError, toFetchErrorData } from './fetchError';
import type { HubEntry } from './hubCatalog';

export class Library {
  private readonly worker: Worker;
  private readonly inspections = new Map<number, { resolve: (plan: Plan) => void; reject: (error: FetchError) => void }>();
  private lastId = 0;

  constructor(private readonly onEvent: (event: Extract<LibraryEvent, { type: 'models' | 'failed' }>) => void) {
    this.worker = new Worker(new URL('./modelsWorker.ts', import.meta.url), { type: 'module', name: 'models' });
    this.worker.onmessage = (message: MessageEvent<LibraryEvent>) => this.receive(message.data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      const error = new FetchError('storage', 'The part of Pagoda that fetches models could not start. Reload the page.', event.message || 'the worker failed');
      for (const { reject } of this.inspections.values()) reject(error);
      this.inspections.clear();
      this.onEvent({ type: 'failed', error: toFetchErrorData(error) });
    };
    window.addEventListener('online', () => this.send({ type: 'online' }));
    this.send({ type: 'list' });
  }

  send(request: LibraryRequest): void {
    this.worker.postMessage(request);
  }

  /** What would be fetched. Rejects with FetchError. */
  inspect(repo: RepoId, hubUrl: string, entry: HubEntry | null): Promise<Plan> {
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      this.inspections.set(id, { resolve, reject });
      this.send({ type: 'inspect', id, repo, hubUrl, entry });
    });
  }

  private receive(event: LibraryEvent): void {
    switch (event.type) {
      case 'inspected':
        this.inspections.get(event.id)?.resolve(event.plan);
        this.inspections.delete(event.id);
        return;
      case 'inspect-failed': {
        const { code, message, detail } = event.error;
        this.inspections.get(event.id)?.reject(new FetchError(code, message, detail));
        this.inspections.delete(event.id);
        return;
      }
      case 'models':
      case 'failed':
        this.onEvent(event);
    }
  }
}
