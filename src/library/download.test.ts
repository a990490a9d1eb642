// Files from a local hub with every fault that it knows, into memory: whole and right in the end, or a typed error
// from which the same sink goes on.

import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startHubServer, type Fault, type HubServer } from '../../e2e/support/hubServer';
import { download, type DownloadOptions, type Sink } from './download';
import type { FetchErrorCode } from './fetchError';
import { fileUrl, listRepo } from './hub';
import { parseRepoId } from '../models/repoId';

const never = new AbortController().signal;
const content = Uint8Array.from({ length: 200_000 }, (_, at) => (at * 31 + (at >> 8)) & 255);
const small = new TextEncoder().encode('{"a": 1}');
let hub: HubServer;

beforeEach(async () => {
  hub = await startHubServer();
  hub.repos.set('some/model', {
    commit: 'c0ffee',
    files: new Map([
      ['unet/model.onnx', content],
      ['unet/config.json', small],
      ['empty', new Uint8Array()],
    ]),
  });
});
afterEach(() => hub.close());

/** Comparing arrays of this size element by element would take most of the time. */
function digest(bytes: Uint8Array | undefined): string {
  if (!bytes) throw new Error('no such file');
  return createHash('sha256').update(bytes).digest('hex');
}

class Memory implements Sink {
  bytes = new Uint8Array(0);
  size = () => this.bytes.length;
  read(into: Uint8Array, at: number): number {
    const part = this.bytes.subarray(at, at + into.length);
    into.set(part);
    return part.length;
  }
  write(bytes: Uint8Array, at: number): void {
    const grown = new Uint8Array(Math.max(this.bytes.length, at + bytes.length));
    grown.set(this.bytes);
    grown.set(bytes, at);
    this.bytes = grown;
  }
  truncate = (size: number) => void (this.bytes = this.bytes.slice(0, size));
  flush = () => {};
}

async function fetchInto(sink: Sink, path = 'unet/model.onnx', changes: Partial<DownloadOptions> = {}): Promise<void> {
  const { files, commit } = await listRepo({ repo: 'some/model', revision: 'main' }, hub.url, never);
  const file = files.find((one) => one.path === path);
  if (!file) throw new Error(path);
  const options = { signal: never, fetch, stallMs: 200, retryMs: [1, 1], onBytes: () => {}, ...changes };
  await download(fileUrl(hub.url, 'some/model', commit, path), file, sink, options);
}

test.each(['unet/model.onnx', 'unet/config.json', 'empty'])(
  '%s comes whole, with the hash that is published for it',
  async (path) => {
    const sink = new Memory();
    await fetchInto(sink, path);
    expect(digest(sink.bytes)).toBe(digest(hub.repos.get('some/model')?.files.get(path)));
  },
);

test.each<[string, Fault['kind'], number]>([
  ['connections that break', { breakAfter: 70_000 }, 3],
  ['a stall', { stallAfter: 100_000 }, 2],
  ['an expired link', { expired: true }, 1],
  ['a busy server', { status: 503 }, 1],
])('%s: goes on from where it was', async (_, kind, requests) => {
  hub.faults.push({ kind, path: /model/, times: requests === 1 ? 2 : requests - 1 });
  const sink = new Memory();
  await fetchInto(sink);
  expect(digest(sink.bytes)).toBe(digest(content));
  expect(hub.log).toHaveLength(requests);
  expect(hub.log.reduce((sum, entry) => sum + entry.bytes, 0)).toBe(content.length);
});

test('a later session asks for the rest alone', async () => {
  hub.faults.push({ kind: { breakAfter: 50_000 }, times: 1 });
  const sink = new Memory();
  await expect(fetchInto(sink, undefined, { retryMs: [] })).rejects.toMatchObject({ code: 'network' });
  expect(sink.bytes).toHaveLength(50_000);
  await fetchInto(sink);
  expect(digest(sink.bytes)).toBe(digest(content));
  expect(hub.log.map((entry) => entry.from)).toEqual([0, 50_000]);
});

test('a server that ignores Range starts the file again', async () => {
  hub.faults.push({ kind: { noRange: true } });
  const sink = new Memory();
  sink.write(content.subarray(0, 60_000), 0);
  await fetchInto(sink);
  expect(digest(sink.bytes)).toBe(digest(content));
});

test('remains that are not the beginning of the file are noticed and replaced', async () => {
  const sink = new Memory();
  sink.write(new Uint8Array(60_000), 0);
  await fetchInto(sink);
  expect(digest(sink.bytes)).toBe(digest(content));
  const longer = new Memory();
  longer.write(new Uint8Array(300_000), 0);
  await fetchInto(longer);
  expect(digest(longer.bytes)).toBe(digest(content));
});

test('one wrong byte: once is fetched again, always is an error', async () => {
  hub.faults.push({ kind: { flip: 123_456 }, times: 1 });
  const sink = new Memory();
  await fetchInto(sink);
  expect(digest(sink.bytes)).toBe(digest(content));
  hub.faults.push({ kind: { flip: 5 } });
  await expect(fetchInto(new Memory())).rejects.toMatchObject({ code: 'corrupt' });
});

test.each<[Fault['kind'], FetchErrorCode]>([
  [{ status: 401 }, 'no-access'],
  [{ status: 403 }, 'no-access'],
  [{ status: 404 }, 'not-found'],
  [{ status: 416 }, 'changed'],
  [{ status: 429 }, 'server'],
  [{ status: 500 }, 'server'],
  [{ expired: true }, 'link-expired'],
  [{ stallAfter: 0 }, 'network'],
])('%o is %s, and the same sink goes on afterwards', async (kind, code) => {
  hub.faults.push({ kind, path: /model/ });
  const sink = new Memory();
  sink.write(content.subarray(0, 1000), 0);
  await expect(fetchInto(sink)).rejects.toMatchObject({ code });
  hub.faults.length = 0;
  await fetchInto(sink);
  expect(digest(sink.bytes)).toBe(digest(content));
});

test('a file that changed upstream after it was listed', async () => {
  const list = await listRepo({ repo: 'some/model', revision: 'main' }, hub.url, never);
  const file = list.files.find((one) => one.path === 'unet/model.onnx');
  if (!file) throw new Error('not listed');
  hub.repos.set('some/model', { commit: 'c0ffee', files: new Map([['unet/model.onnx', content.subarray(1)]]) });
  const options = { signal: never, fetch, stallMs: 200, retryMs: [1], onBytes: () => {} };
  const url = fileUrl(hub.url, 'some/model', list.commit, file.path);
  await expect(download(url, file, new Memory(), options)).rejects.toMatchObject({ code: 'changed' });
});

test('a full disk, and a pause, leave what has come', async () => {
  const full = new Memory();
  full.write = (bytes, at) => {
    if (at + bytes.length > 100_000) throw new DOMException('full', 'QuotaExceededError');
    Memory.prototype.write.call(full, bytes, at);
  };
  await expect(fetchInto(full)).rejects.toMatchObject({ name: 'QuotaExceededError' });
  const abort = new AbortController();
  const paused = new Memory();
  const onBytes = (bytes: number) => bytes > 30_000 && abort.abort();
  await expect(fetchInto(paused, undefined, { signal: abort.signal, onBytes })).rejects.toMatchObject({
    name: 'AbortError',
  });
  expect(paused.bytes.length).toBeGreaterThan(30_000);
  expect(digest(paused.bytes)).toBe(digest(content.subarray(0, paused.bytes.length)));
});

test.each([
  ['owner/name', '', 'owner/name', 'main'],
  [' owner/name ', 'fp16', 'owner/name', 'fp16'],
  ['owner/name@v1', '', 'owner/name', 'v1'],
  ['https://huggingface.co/owner/na.me/tree/onnx', '', 'owner/na.me', 'onnx'],
  ['https://huggingface.co/owner/name/', '', 'owner/name', 'main'],
])('“%s” “%s” is %s at %s', (text, revision, repo, at) => {
  expect(parseRepoId(text, revision)).toEqual({ repo, revision: at });
});

test.each(['name', 'a/b/c', '../b', 'a b/c', ''])('“%s” is no repository', (text) => {
  expect(parseRepoId(text)).toBeNull();
});

test('an unknown repository and an unknown revision', async () => {
  await expect(listRepo({ repo: 'no/such', revision: 'main' }, hub.url, never)).rejects.toMatchObject({
    code: 'no-access',
  });
  await expect(listRepo({ repo: 'some/model', revision: 'v9' }, hub.url, never)).rejects.toMatchObject({
    code: 'not-found',
  });
  hub.setReachable(false);
  await expect(listRepo({ repo: 'some/model', revision: 'main' }, hub.url, never)).rejects.toMatchObject({
    code: 'network',
  });
});

test('what was there before does not count as arrived, and hashing it takes nothing back', async () => {
  const sink = new Memory();
  sink.write(content.slice(0, 150_000), 0);
  const told: [number, number][] = [];
  await fetchInto(sink, undefined, { onBytes: (bytes, arrived) => told.push([bytes, arrived]) });
  expect(told[0]).toEqual([150_000, 0]);
  expect(told.map(([bytes]) => bytes)).toEqual(told.map(([bytes]) => bytes).sort((a, b) => a - b));
  expect(told.reduce((sum, [, arrived]) => sum + arrived, 0)).toBe(50_000);
});
