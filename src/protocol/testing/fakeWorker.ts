// An engine's worker that does what the test says: it keeps what it was sent, and answers pings while it hears.

import type { EngineEvent, WireEvent } from '../events';
import type { EngineRequest } from '../requests';

export class FakeWorker {
  onmessage: ((message: { data: EngineEvent | WireEvent }) => void) | null = null;
  onerror: ((event: { preventDefault: () => void; message: string }) => void) | null = null;
  readonly got: EngineRequest[] = [];
  ended = false;
  /** Whether pings are answered. */
  hears = true;

  postMessage(request: EngineRequest): void {
    this.got.push(request);
    if (request.type === 'ping' && this.hears) this.says({ type: 'pong', ping: request.ping });
  }

  says(event: EngineEvent | WireEvent): void {
    if (!this.ended) this.onmessage?.({ data: event });
  }

  /** As where its script does not load, or the browser tells of its end. */
  fails(message: string): void {
    this.onerror?.({ preventDefault: () => {}, message });
  }

  terminate(): void {
    this.ended = true;
  }

  /** What it was asked for, without pings. */
  get types(): string {
    return this.got.flatMap((request) => (request.type === 'ping' ? [] : [summary(request)])).join(', ');
  }
}

function summary(request: Exclude<EngineRequest, { type: 'ping' }>): string {
  switch (request.type) {
    case 'load':
      return `load ${request.model.id}`;
    case 'fit':
      return `fit ${request.prompt}`;
    case 'weigh':
      return `weigh ${request.settings.width} × ${request.settings.height}`;
    case 'decode':
    case 'end-decode':
      return `${request.type} ${request.decodeId}`;
    default:
      return `${request.type} ${request.runId}`;
  }
}
