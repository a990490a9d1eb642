// Files and scripts from a real server that breaks off, stalls, refuses and changes its mind.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fetchFile } from './fetchFile';
import { LoadError, ownFileError } from './loadError';
import { loadScript, whyNotStarted } from './loadScript';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const BYTES = Uint8Array.from({ length: 100_000 }, (_, at) => at % 251);
const TAG = { ETag: '"one"' };
const NO_WAIT = { retryMs: [0, 0, 0] };

let answers: Answer[] = [];
let asked: IncomingMessage['headers'][] = [];
let server: Server;
let url = '';

beforeEach(async () => {
  answers = [];
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.headers);
    (answers.length > 1 ? answers.shift() : answers[0])?.(response, request);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const whole: Answer = (response) => response.writeHead(200, { ...TAG, 'Content-Length': BYTES.length }).end(BYTES);
const rest: Answer = (response, { headers }) => {
  if (headers.range === undefined) return void response.writeHead(200, TAG).end(BYTES);
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1]);
  response
    .writeHead(206, {
      ...TAG,
      'Content-Range': `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`,
      'Content-Length': BYTES.length - from,
    })
    .end(BYTES.subarray(from));
};
const answersWith =
  (code: number): Answer =>
  (response) =>
    response.writeHead(code, { 'Content-Type': 'text/plain' }).end('no');
const stops =
  (after: number, then: (response: ServerResponse) => void, headers: Record<string, string> = TAG): Answer =>
  (response) => {
    response.writeHead(200, { ...headers, 'Content-Length': BYTES.length });
    response.write(BYTES.subarray(0, after), () => setTimeout(() => then(response), 20));
  };
const breaks = (after: number) => stops(after, (response) => response.destroy());
const stalls = (after: number) => stops(after, () => {});
const bytesOf = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer());
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => (error instanceof LoadError ? error.fault : error),
  );

test('an answer that breaks off is continued where it ended', async () => {
  answers = [breaks(30_000), rest];
  const heard: number[] = [];
  const totals = new Set<number | null>();
  const blob = await fetchFile(url, {
    ...NO_WAIT,
    onBytes: (loaded, total) => void (heard.push(loaded), totals.add(total)),
  });
  expect(await bytesOf(blob)).toEqual(BYTES);
  expect(asked.map(({ range, 'if-range': tag }) => [range, tag])).toEqual([
    [undefined, undefined],
    ['bytes=30000-', '"one"'],
  ]);
  expect(heard).toEqual([...heard].sort((a, b) => a - b));
  expect([...totals]).toEqual([BYTES.length]);
});

test('an answer that stalls is given up, and the rest asked for', async () => {
  answers = [stalls(30_000), rest];
  expect(await bytesOf(await fetchFile(url, { ...NO_WAIT, stallMs: 300 }))).toEqual(BYTES);
  answers = [stalls(0)];
  expect(await faultOf(fetchFile(url, { retryMs: [], stallMs: 50 }))).toBe('stalled');
});

test('a file that has changed, or a server that tells no tag, starts again, and the count never falls', async () => {
  answers = [stops(30_000, (response) => response.destroy(), {}), breaks(20_000), whole];
  const heard: number[] = [];
  expect(await bytesOf(await fetchFile(url, { ...NO_WAIT, onBytes: (loaded) => heard.push(loaded) }))).toEqual(BYTES);
  expect(asked.map(({ range }) => range)).toEqual([undefined, undefined, 'bytes=20000-']);
  expect(heard).toEqual([...heard].sort((a, b) => a - b));
});

test('tries end with the list where nothing more comes, and go on where something does', async () => {
  answers = [breaks(0)];
  expect(await faultOf(fetchFile(url, NO_WAIT))).toBe('network');
  expect(asked).toHaveLength(4);
  const some =
    (from: number): Answer =>
    (response) => {
      response.writeHead(206, { ...TAG, 'Content-Range': `bytes ${from}-${BYTES.length - 1}/${BYTES.length}` });
      response.write(BYTES.subarray(from, from + 10_000), () => setTimeout(() => response.destroy(), 20));
    };
  answers = [breaks(10_000), ...[1, 2, 3, 4, 5, 6].map((part) => some(part * 10_000)), rest];
  expect(await bytesOf(await fetchFile(url, NO_WAIT))).toEqual(BYTES);
});

test('a busy server is asked again; one that has no such file is not', async () => {
  answers = [answersWith(503), answersWith(429), whole];
  expect(await bytesOf(await fetchFile(url, NO_WAIT))).toEqual(BYTES);
  asked = [];
  for (const missing of [
    answersWith(404),
    answersWith(403),
    ((response) =>
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end('<!doctype html>')) satisfies Answer,
  ]) {
    answers = [missing];
    expect(await faultOf(fetchFile(url, NO_WAIT))).toBe('absent');
  }
  expect(asked).toHaveLength(3);
});

test('an abort is heard while nothing comes, and between two tries', async () => {
  for (const [answer, retryMs] of [
    [stalls(10), [0]],
    [answersWith(503), [1e9]],
  ] as const) {
    const abort = new AbortController();
    answers = [(response, request) => (answer(response, request), setTimeout(() => abort.abort(), 50))];
    await expect(fetchFile(url, { retryMs, stallMs: 1e9, signal: abort.signal })).rejects.toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    );
  }
});

test('a script that the browser has given up is started under another address', async () => {
  answers = [whole];
  const tried: string[] = [];
  const { module, url: worked } = await loadScript(url, NO_WAIT, (address) => {
    tried.push(address);
    return tried.length === 1 ? Promise.reject(new TypeError('Failed to fetch')) : Promise.resolve('module');
  });
  expect([module, tried]).toEqual(['module', [url, worked]]);
  expect(worked).toMatch(/\?again=./);
});

test('a script that is not there is not started; one that throws is not tried again', async () => {
  answers = [answersWith(404)];
  const never = () => Promise.reject(new Error('started'));
  expect(await faultOf(loadScript(url, NO_WAIT, never))).toBe('absent');
  expect((await whyNotStarted(url, NO_WAIT))?.fault).toBe('absent');
  answers = [whole];
  expect(await whyNotStarted(url, NO_WAIT)).toBeNull();
  await expect(loadScript(url, NO_WAIT, never)).rejects.toThrow('started');
});

test('a file of this version that is gone has an error of its own', () => {
  const code = (fault: LoadError['fault']) =>
    (ownFileError(new LoadError(fault, url, ''), 'runtime-failed', 'It') as { code: string }).code;
  expect((['absent', 'network', 'stalled', 'server'] as const).map(code)).toEqual([
    'version-gone',
    'runtime-failed',
    'runtime-failed',
    'runtime-failed',
  ]);
});
