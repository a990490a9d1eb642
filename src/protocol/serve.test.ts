// The worker's end of the wire, with a service that does what the test says.

import { expect, test } from 'vitest';
import { DEFAULTS } from '../store/settings';
import type { EngineEvent, WireEvent } from './events';
import type { EngineRequest } from './requests';
import type { Settings } from '../settings/fields';
import { HANDED_OVER, serve } from './serve';

interface Call {
  readonly name: string;
  readonly signal: AbortSignal;
  readonly end: (error?: Error) => void;
}

const PICTURE = { width: 1, height: 1, rgba: new Uint8ClampedArray(4) };

/** Each call lasts until the test ends it, or its signal is aborted. */
function started() {
  const calls: Call[] = [];
  const events: (EngineEvent | WireEvent)[] = [];
  const call = (name: string, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      calls.push({ name, signal, end: (error) => (error === undefined ? resolve() : reject(error)) });
      const abort = () => reject(signal.reason as Error);
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort);
    });
  const send = serve(
    {
      load: (request, signal) => call(`load ${request.model.id}`, signal),
      generate: async (request, signal) => {
        await call(`generate ${request.runId}`, signal);
        events.push({ type: 'cancelled', runId: `${request.runId} was done` });
      },
      decode: async (request, signal) => {
        await call(`decode ${request.decodeId}`, signal);
        return PICTURE;
      },
      fit: () => {},
      weigh: () => {},
    },
    (event) => events.push(event),
  );
  const told = () =>
    events.map((event) =>
      [event.type, 'runId' in event ? event.runId : 'loadId' in event ? event.loadId : null].join(' '),
    );
  return { calls, told, events, send: async (request: EngineRequest) => (send(request), await settled()) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const model = (id: string) => ({ kind: 'url', id, baseUrl: '/', bytes: {}, encoder: null }) as const;
const load = (id: string, loadId = 1): EngineRequest => ({
  type: 'load',
  loadId,
  model: model(id),
  settings: DEFAULTS,
});
const generate = (runId: string, id = 'a', changes: Partial<Settings> = {}): EngineRequest => ({
  type: 'generate',
  runId,
  model: model(id),
  settings: { ...DEFAULTS, ...changes },
});

test('however often Generate is pressed, one run is under way and the newest waits', async () => {
  const { calls, told, send } = started();
  for (const run of ['1', '2', '3', '4']) await send(generate(run));
  expect(calls.map(({ name }) => name)).toEqual(['generate 1']);
  calls[0]?.end();
  await settled();
  expect(told()).toEqual(['cancelled 1 was done', 'cancelled 2', 'cancelled 3']);
  expect(calls.at(-1)?.name).toBe('generate 4');
  expect(calls.at(-1)?.signal.aborted).toBe(false);
});

test('cancels are heard in a run and before it', async () => {
  const { told, send } = started();
  await send(generate('1'));
  await send(generate('2'));
  await send({ type: 'cancel', runId: '2' });
  await send({ type: 'cancel', runId: 'unknown' });
  expect(told()).toEqual([]);
  await send({ type: 'cancel', runId: '1' });
  expect(told()).toEqual(['cancelled 1', 'cancelled 2']);
});

test.each([
  ['the same model', generate('1', 'a'), true],
  ['another model', generate('1', 'b'), false],
  ['another device', generate('1', 'a', { backend: 'wasm' }), false],
])('a load ends for a run of %s, which takes over only what is its own', async (_, request, handedOver) => {
  const { calls, told, send } = started();
  await send(load('a'));
  await send(request);
  expect(calls.map(({ name }) => name)).toEqual(['load a', 'generate 1']);
  expect(calls[0]?.signal.reason === HANDED_OVER).toBe(handedOver);
  expect(told()).toEqual(['load-ended 1']);
});

test('of loads the newest counts; one that was overtaken before its turn is not begun', async () => {
  const { calls, told, send } = started();
  await send(generate('1'));
  await send(load('b', 2));
  await send(load('c', 3));
  calls[0]?.end();
  await settled();
  expect(calls.map(({ name }) => name)).toEqual(['generate 1', 'load c']);
  calls[1]?.end(new Error('broken'));
  await settled();
  expect(told()).toEqual(['cancelled 1 was done', 'load-ended 2', 'error ', 'load-ended 3']);
});

test('an error ends its run and not the next', async () => {
  const { calls, told, send } = started();
  await send(generate('1'));
  await send(generate('2'));
  calls[0]?.end(new Error('broken'));
  await settled();
  calls[1]?.end();
  await settled();
  expect(told()).toEqual(['error 1', 'cancelled 2 was done']);
});

test('a ping is answered while a run is under way', async () => {
  const { events, send } = started();
  await send(generate('1'));
  await send({ type: 'ping', ping: 7 });
  expect(events).toEqual([{ type: 'pong', ping: 7 }]);
});

const decode = (decodeId: number): EngineRequest => ({
  type: 'decode',
  decodeId,
  modelId: 'a',
  latents: { dims: [1, 1, 1], halves: new Uint16Array(1) },
});

test('what is decoded waits for its turn, and makes way for a run or a load', async () => {
  const { calls, events, send } = started();
  await send(generate('1'));
  await send(decode(1));
  await send(decode(2));
  await send({ type: 'end-decode', decodeId: 2 });
  await send({ type: 'end-decode', decodeId: 9 });
  calls[0]?.end();
  await settled();
  calls.find(({ name }) => name === 'decode 1')?.end();
  await settled();
  const decoded = () => events.filter(({ type }) => type === 'decoded');
  expect(decoded()).toEqual([
    { type: 'decoded', decodeId: 1, picture: PICTURE },
    { type: 'decoded', decodeId: 2, picture: null },
  ]);
  for (const [decodeId, request] of [
    [3, generate('2')],
    [4, load('b')],
  ] as const) {
    await send(decode(decodeId));
    await send(request);
    expect(decoded().at(-1)).toEqual({ type: 'decoded', decodeId, picture: null });
    calls.at(-1)?.end();
    await settled();
  }
  await send(decode(5));
  calls.at(-1)?.end(new Error('broken'));
  await settled();
  expect(decoded().at(-1)).toMatchObject({ decodeId: 5, picture: { code: 'internal' } });
});
