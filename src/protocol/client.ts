// The page's end of the wire. Owns the worker: one that dies, or that a cancel does not end in time, is replaced, and
// whatever it was doing ends with an event, so no run stays open and no button stays disabled.
//
// A dead worker tells nobody, so it holds a Web Lock (its name) for as long as it lives, for which the page queues.
// One that ran out of heap keeps its lock, and plain http has none: while anything is open the page pings and counts
// what stays unanswered. ONNX Runtime may hold the thread for long, which the worker says beforehand.

import { EngineError, type EngineErrorCode, type EngineErrorData } from './errors';
import type { DecodedEvent, EngineEvent, Waiting, WireEvent } from './events';
import type { ModelRef } from './modelRefs';
import type { Pixels } from './pictureData';
import type { EngineRequest, GenerateRequest, LoadRequest, AddedFiles, RunExtent } from './requests';
import type { StepLatents } from './runSteps';
import type { Emphasis } from '../prompt/pieces';
import type { Settings } from '../settings/fields';

/** What leaves ONNX Runtime or the GPU in a state that only a new worker mends. */
const FATAL: ReadonlySet<EngineErrorCode> = new Set([
  'device-lost',
  'out-of-memory',
  'run-failed',
  'gpu-refused',
  'runtime-failed',
  'version-gone',
  'internal',
]);

const PING_MS = 1000;
/** Pings unanswered after which a worker that is to end something is ended itself. */
const PATIENCE = { idle: 5, busy: 30 } as const;
/** The same where nothing is to end. */
const SILENCE = { idle: 60, busy: Infinity } as const;
/**
 * Pings answered after which a worker that has heard a cancel, and does not end the run, is ended itself: what it waits
 * for, of a GPU, may never come.
 */
const HEARD = 10;
/** Pings unanswered after which that is told. */
const QUIET = 20;
/** Seconds after which a cancel ends the worker at once, by what the GPU says: one that computes may hang too. */
const STUCK = { silent: 15, computing: 60, idle: Infinity } as const;

const NO_PINGS = { waits: false, missed: 0, heard: 0 };

export type EngineListener = (event: EngineEvent) => void;

export interface EngineSource {
  /** Makes the engine's worker under this name; `again` after one that never started. */
  readonly spawn: (name: string, again: boolean) => Worker;
  /** What kept the last one from starting; null where its script is as it should be. */
  readonly explain: () => Promise<EngineErrorData | null>;
  /** Undefined on plain http. */
  readonly locks: Pick<LockManager, 'request'> | undefined;
}

interface Open<Request> {
  readonly request: Request;
  /** Its place: the worker serves one after the other. */
  readonly place: number;
  /** Cancelled or overtaken. */
  ends: boolean;
}

export class EngineClient {
  private worker: Worker | null = null;
  private readonly listeners = new Set<EngineListener>();
  private readonly runs = new Map<string, Open<GenerateRequest>>();
  private readonly loads = new Map<number, Open<LoadRequest>>();
  private readonly decodes = new Map<number, (event: Pick<DecodedEvent, 'picture'>) => void>();
  private lastId = 0;
  /** Has the worker said anything; may its thread be held for long. */
  private state = { started: false, busy: false };
  private again = false;
  /** What is waited for of the GPU may never come. */
  private stuck = false;
  /** `heard`: answered in a row while a cancelled run was under way. */
  private ping = { ...NO_PINGS };
  private timer: ReturnType<typeof setInterval> | null = null;

  constructor(private readonly source: EngineSource) {}

  /** Returns the function that unsubscribes. */
  subscribe(listener: EngineListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Fetches a model and warms it up; ends an earlier load. */
  load(model: ModelRef, settings: Settings, files: AddedFiles = {}): void {
    for (const load of this.loads.values()) load.ends = true;
    this.lastId += 1;
    const request = { type: 'load', loadId: this.lastId, model, settings, ...files } as const;
    this.loads.set(request.loadId, { request, place: this.lastId, ends: false });
    this.send(request);
  }

  /** Ends a load of another model, and takes the place of a run that waits. */
  generate(
    runId: string,
    model: ModelRef,
    settings: Settings,
    files: AddedFiles = {},
    how: Pick<GenerateRequest, 'anew' | 'left'> = {},
  ): void {
    for (const load of this.loads.values()) load.ends ||= load.request.model.id !== model.id;
    const request = { type: 'generate', runId, model, settings, ...files, ...how } as const;
    this.lastId += 1;
    this.runs.set(runId, { request, place: this.lastId, ends: false });
    this.send(request);
  }

  /** Asks what the loaded model reads of these texts; a worker is not started for it. */
  fit(prompt: string, negativePrompt: string, emphasis: Emphasis): void {
    this.worker?.postMessage({ type: 'fit', prompt, negativePrompt, emphasis } satisfies EngineRequest);
  }

  /** Asks what a run of the loaded model would ask of the device; a worker is not started for it. */
  weigh(settings: RunExtent): void {
    this.worker?.postMessage({ type: 'weigh', settings } satisfies EngineRequest);
  }

  /**
   * The picture of kept latents; null where it is no longer wanted: `signal` was aborted, or a run came between.
   * @throws EngineError `worker-crashed` where there is no worker, and none is started for it; as decoding does
   */
  decode(modelId: string, latents: StepLatents, signal: AbortSignal): Promise<Pixels | null> {
    const { worker } = this;
    if (signal.aborted) return Promise.resolve(null);
    if (!worker) return Promise.reject(gone());
    this.lastId += 1;
    const decodeId = this.lastId;
    const end = () => worker.postMessage({ type: 'end-decode', decodeId } satisfies EngineRequest);
    return new Promise<Pixels | null>((resolve, reject) => {
      this.decodes.set(decodeId, ({ picture }) => {
        signal.removeEventListener('abort', end);
        if (picture && 'code' in picture) reject(new EngineError(picture.code, picture.message, picture.detail));
        else resolve(picture);
      });
      signal.addEventListener('abort', end);
      worker.postMessage({ type: 'decode', decodeId, modelId, latents } satisfies EngineRequest);
    });
  }

  cancel(runId: string): void {
    const run = this.runs.get(runId);
    if (!run) return;
    run.ends = true;
    this.send({ type: 'cancel', runId });
    // A run that hears it may leave what never comes, but the next one would wait for the same GPU.
    if (this.stuck && cancelledIsNext(this.all())) this.endByForce();
  }

  private send(request: EngineRequest): void {
    this.worker ??= this.start();
    this.worker.postMessage(request);
    this.watch();
  }

  private start(): Worker {
    const name = `engine ${Math.random().toString(36).slice(2)}`;
    const worker = this.source.spawn(name, this.again);
    this.state = { started: false, busy: false };
    this.ping = { ...NO_PINGS };
    worker.onmessage = (message: MessageEvent<EngineEvent | WireEvent>) => {
      if (this.worker === worker) this.receive(message.data, name);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.crashed(worker, event.message || 'The worker script could not be loaded.');
    };
    worker.onmessageerror = () => this.crashed(worker, 'A message could not be read.');
    return worker;
  }

  private receive(event: EngineEvent | WireEvent, name: string): void {
    if (this.ping.missed >= QUIET) this.tell({ type: 'waiting', waiting: null });
    this.state.started = true;
    this.again = false;
    this.ping.missed = 0;
    switch (event.type) {
      case 'alive':
        if (event.locked) this.awaitEnd(name);
        return;
      case 'busy':
        this.state.busy = event.busy;
        return;
      case 'pong':
        this.ping.waits = false;
        return;
      case 'load-ended':
        this.loads.delete(event.loadId);
        return;
      case 'waiting':
        this.stuck = isStuck(event.waiting);
        this.tell(event);
        return;
      case 'decoded':
        this.decoded(event);
        return;
      default:
        this.tell(event);
        if (event.type === 'error' && FATAL.has(event.error.code)) this.fail(event.error, runsOf(this.drop()));
    }
  }

  private decoded({ decodeId, picture }: DecodedEvent): void {
    this.decodes.get(decodeId)?.({ picture });
    this.decodes.delete(decodeId);
    if (!picture || !('code' in picture) || !FATAL.has(picture.code)) return;
    const runs = runsOf(this.drop());
    this.fail(picture, runs.length > 0 ? runs : [null]);
  }

  private tell(event: EngineEvent): void {
    if (
      'runId' in event &&
      event.runId !== null &&
      (event.type === 'done' || event.type === 'cancelled' || event.type === 'error')
    )
      this.runs.delete(event.runId);
    for (const listener of this.listeners) listener(event);
  }

  /** The lock is granted when the worker has died, whatever it died of. */
  private awaitEnd(name: string): void {
    const { worker } = this;
    void this.source.locks
      ?.request(name, () => {
        if (worker) this.crashed(worker, 'The worker was ended from outside: it was closed, or had no memory left.');
      })
      .catch(() => {});
  }

  private watch(): void {
    this.timer ??= setInterval(() => this.tick(), PING_MS);
  }

  private tick(): void {
    const open = this.all();
    if (!this.worker || open.length === 0) {
      if (this.timer !== null) clearInterval(this.timer);
      this.timer = null;
      this.ping = { ...NO_PINGS };
      return;
    }
    if (!this.ping.waits) {
      this.ping.heard = cancelledIsNext(open) ? this.ping.heard + 1 : 0;
      if (this.ping.heard > HEARD) {
        this.endByForce();
        return;
      }
      this.ping.waits = true;
      this.lastId += 1;
      this.worker.postMessage({ type: 'ping', ping: this.lastId } satisfies EngineRequest);
      return;
    }
    this.ping.missed += 1;
    if (this.ping.missed >= QUIET) {
      const what = this.state.busy ? 'ONNX Runtime' : 'the engine';
      this.tell({ type: 'waiting', waiting: { what, seconds: this.ping.missed, gpu: null } });
    }
    const ends = open.some((one) => one.ends);
    const limit = (ends ? PATIENCE : SILENCE)[this.state.busy ? 'busy' : 'idle'];
    if (this.ping.missed < limit) return;
    if (ends) this.endByForce();
    else this.crashed(this.worker, `It has not answered for ${this.ping.missed} s.`);
  }

  /** What was to end has ended; what was not goes to a new worker. */
  private endByForce(): void {
    const open = this.drop();
    for (const { request, ends } of open)
      if (ends && request.type === 'generate') this.tell({ type: 'cancelled', runId: request.runId });
    for (const { request, place, ends } of open) {
      if (ends) continue;
      if (request.type === 'load') this.loads.set(request.loadId, { request, place, ends });
      else this.runs.set(request.runId, { request, place, ends });
      this.send(request);
    }
  }

  private crashed(worker: Worker, detail: string): void {
    if (this.worker !== worker) return;
    const { started } = this.state;
    const lost = this.drop();
    const error: EngineErrorData = {
      code: 'worker-crashed',
      message: 'The engine stopped unexpectedly. Your settings and images are safe; press Generate to start it again.',
      detail,
    };
    const runs = runsOf(lost);
    const told = runs.length > 0 ? runs : [null];
    if (started) {
      this.fail(error, told);
      return;
    }
    this.again = true;
    void this.source
      .explain()
      .catch(() => null)
      .then((why) => this.fail(why ?? error, told));
  }

  private fail(error: EngineErrorData, runs: readonly (string | null)[]): void {
    for (const runId of runs) this.tell({ type: 'error', runId, error });
  }

  private all(): Open<LoadRequest | GenerateRequest>[] {
    return [...this.loads.values(), ...this.runs.values()];
  }

  /** The worker cannot be trusted any more: the next request starts another. Gives what was open. */
  private drop(): Open<LoadRequest | GenerateRequest>[] {
    this.worker?.terminate();
    this.worker = null;
    this.stuck = false;
    const open = this.all();
    this.loads.clear();
    this.runs.clear();
    for (const end of this.decodes.values()) end({ picture: gone() });
    this.decodes.clear();
    return open;
  }
}

function isStuck(waiting: Waiting | null): boolean {
  return waiting?.gpu != null && waiting.seconds >= STUCK[waiting.gpu];
}

/** Whether nothing keeps the worker from ending a run that was cancelled but that run, and what is to end before it. */
function cancelledIsNext(open: readonly Open<LoadRequest | GenerateRequest>[]): boolean {
  const run = open.find(({ request, ends }) => ends && request.type === 'generate');
  return run !== undefined && open.every(({ place, ends }) => ends || place > run.place);
}

function gone(): EngineError {
  return new EngineError('worker-crashed', 'The engine has stopped; press Generate to start it again.');
}

function runsOf(open: readonly Open<LoadRequest | GenerateRequest>[]): string[] {
  return open.flatMap(({ request }) => (request.type === 'generate' ? [request.runId] : []));
}
