// The worker that fetches and keeps models, apart from the engine so that neither waits for the other. Access
// handles of the private file system exist only in workers.

import { toFetchErrorData } from './fetchError';
import { listRepo } from './hub';
import type { LibraryEvent, LibraryRequest } from './messages';
import { makePlan } from './plan';
import { Shelf } from './shelf';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const emit = (event: LibraryEvent) => scope.postMessage(event);
const shelf = new Shelf((models) => emit({ type: 'models', models }));
const never = new AbortController().signal;

scope.onmessage = (message: MessageEvent<LibraryRequest>) => {
  serve(message.data).catch((error: unknown) => emit({ type: 'failed', error: toFetchErrorData(error) }));
};

async function serve(request: LibraryRequest): Promise<void> {
  switch (request.type) {
    case 'list':
      await shelf.open();
      shelf.changed();
      return;
    case 'inspect': {
      const { id, repo, hubUrl, entry } = request;
      try {
        const listing = await listRepo(repo, hubUrl, never);
        emit({ type: 'inspected', id, plan: await makePlan(listing, hubUrl, entry, never) });
      } catch (error) {
        emit({ type: 'inspect-failed', id, error: toFetchErrorData(error) });
      }
      return;
    }
    case 'fetch': return shelf.add(request.plan);
    case 'resume': return shelf.resume(request.dir);
    case 'pause': return shelf.pause(request.dir);
    case 'remove': return shelf.remove(request.dir);
    case 'check': return shelf.check(request.dir, never);
    case 'online': shelf.wake();
  }
}
