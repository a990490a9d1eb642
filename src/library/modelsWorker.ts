// The worker that fetches and keeps models, apart from the engine so that neither waits for the other. Access
// handles of the private file system exist only in workers.

import { toFetchErrorData } from './fetchError';
import { listRepo } from './hub';
import { fetchLora } from './fetchLora';
import type { Found, LibraryEvent, LibraryMessage, LibraryRequest } from './libraryMessages';
import { makePlan } from './plan';
import { Shelf } from './shelf';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const emit = (event: LibraryEvent) => scope.postMessage(event);
const shelf = new Shelf((models) => emit({ type: 'models', models }));
const asked = new Map<number, AbortController>();

scope.onmessage = async ({ data }: MessageEvent<LibraryMessage>) => {
  const { id } = data;
  if (data.type === 'forget') {
    asked.get(id)?.abort();
    return;
  }
  const abort = new AbortController();
  asked.set(id, abort);
  try {
    emit({ type: 'taken', id, answer: await serve(data.request, abort.signal) });
  } catch (error) {
    if (!abort.signal.aborted) emit({ type: 'refused', id, error: toFetchErrorData(error) });
  } finally {
    asked.delete(id);
  }
};

async function serve(request: LibraryRequest, signal: AbortSignal): Promise<Found | File | null> {
  switch (request.type) {
    case 'inspect': {
      const { repo, hubUrl, entry, file } = request;
      return makePlan(await listRepo(repo, hubUrl, signal), { hubUrl, entry, file, signal });
    }
    case 'list': {
      await shelf.open();
      shelf.changed();
      return null;
    }
    case 'fetch':
      await shelf.add(request.plan);
      return null;
    case 'fetchLora':
      return fetchLora(request.lora, signal);
    case 'resume':
      await shelf.resume(request.dir);
      return null;
    case 'pause':
      await shelf.pause(request.dir);
      return null;
    case 'remove':
      await shelf.remove(request.dir);
      return null;
    case 'check':
      await shelf.check(request.dir, signal);
      return null;
    case 'online':
      shelf.wake();
      return null;
  }
}
