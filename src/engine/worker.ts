// The engine worker's entry: wires the engine to the page.

import { serve } from '../protocol/serve';
import type { EngineEvent, EngineRequest } from '../protocol/messages';
import { Engine } from './engine';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const engine = new Engine(emit);
const receive = serve(engine, emit);
scope.onmessage = (message: MessageEvent<EngineRequest>) => receive(message.data);

function emit(event: EngineEvent): void {
  scope.postMessage(event, buffersOf(event));
}

/** Pictures are handed over, not copied. */
function buffersOf(event: EngineEvent): Transferable[] {
  if (event.type !== 'preview' && event.type !== 'done') return [];
  const { withoutPag, withPag } = event.pair;
  return [withoutPag, withPag].flatMap((pixels) => (pixels ? [pixels.rgba.buffer] : []));
}
