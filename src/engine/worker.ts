// The engine worker's entry: wires the engine to the page, and holds the lock by which the page knows that it lives.

import { serve } from '../protocol/serve';
import type { EngineEvent, WireEvent } from '../protocol/events';
import type { EngineRequest } from '../protocol/requests';
import { Engine } from './engine';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const engine = new Engine(emit);
const receive = serve(engine, emit);
scope.onmessage = (message: MessageEvent<EngineRequest>) => receive(message.data);
void hold();

/** Plain http has no locks, and a browser may refuse them. */
async function hold(): Promise<void> {
  const { locks } = navigator as { readonly locks?: LockManager };
  const unlocked = () => emit({ type: 'alive', locked: false });
  if (!locks) unlocked();
  else
    await locks
      .request(scope.name, () => {
        emit({ type: 'alive', locked: true });
        return new Promise(() => {});
      })
      .catch(unlocked);
}

function emit(event: EngineEvent | WireEvent): void {
  scope.postMessage(event, buffersOf(event));
}

/** Pictures are handed over, not copied. */
function buffersOf(event: EngineEvent | WireEvent): Transferable[] {
  if (event.type === 'decoded') return event.picture && 'rgba' in event.picture ? [event.picture.rgba.buffer] : [];
  if (event.type !== 'preview' && event.type !== 'image' && event.type !== 'done') return [];
  const pairs = [event.pair ?? [], event.type === 'preview' ? (event.further ?? []) : []].flat();
  const pictures = pairs.flatMap(({ withoutPag, withPag }) => [withoutPag, withPag]);
  return pictures.flatMap((pixels) => (pixels ? [pixels.rgba.buffer] : []));
}
