// The look at the UNet's file, against a local hub: what it tells, how much it asks for, and what it falls back to.

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startHubServer, type HubServer } from '../../e2e/support/hubServer';
import { readModel } from '../onnx/file/read';
import { graphNeeds } from '../onnx/graph/needs';
import { NO_GLANCE } from '../models/estimate';
import { glanceAtGraph } from './graphGlance';
import { fileUrl } from './hub';

const never = new AbortController().signal;
const unetConfig = { sample_size: 8, in_channels: 4 };
const TINY = new Uint8Array(readFileSync('fixtures/models/tiny/unet/model.onnx'));
const HALF = new Uint8Array(readFileSync('fixtures/models/tiny-f16/unet/model.onnx'));
const POCKET = new Uint8Array(readFileSync('public/models/pocket/unet/model.onnx'));
let hub: HubServer;

beforeEach(async () => {
  hub = await startHubServer();
});
afterEach(() => hub.close());

function glance(bytes: Uint8Array, signal = never) {
  hub.repos.set('some/model', { commit: 'c1', files: new Map([['unet/model.onnx', bytes]]) });
  const url = fileUrl(hub.url, 'some/model', 'c1', 'unet/model.onnx');
  return glanceAtGraph({ url, size: bytes.length, unetConfig }, signal);
}

it('reads a small file whole: f16, and the largest buffer of one row', async () => {
  const dims = new Map([
    ['sample', [1, 4, 8, 8]],
    ['encoder_hidden_states', [1, 77, 32]],
  ]);
  const { largestTensor, largestWeight } = graphNeeds(await readModel(new Blob([TINY]), 'tiny'), dims);
  expect(await glance(TINY)).toEqual({ half: false, largest: Math.max(largestTensor, largestWeight) });
  expect((await glance(HALF)).half).toBe(true);
  expect(hub.log).toEqual([]);
});

it('of a large file asks for a bounded range, and lets go when enough is known', async () => {
  expect(POCKET.length).toBeGreaterThan(16 * 2 ** 20);
  expect(await glance(POCKET)).toEqual({ half: false, largest: null });
  expect(hub.looks).toHaveLength(1);
  expect(hub.looks[0]?.bytes).toBeLessThan(8 * 2 ** 20);
});

it.each([
  ['a server that ignores ranges', POCKET, () => hub.faults.push({ kind: { noRange: true } })],
  ['a refusal', TINY, () => hub.faults.push({ kind: { status: 403 } })],
  ['no network', TINY, () => hub.setReachable(false)],
  ['something else than ONNX', new TextEncoder().encode('<!doctype html>'), () => undefined],
  ['an empty file', new Uint8Array(0), () => undefined],
])('%s costs nothing but precision', async (_, bytes, make) => {
  make();
  expect(await glance(bytes)).toEqual(NO_GLANCE);
});

it('ends where the lookup is given up', async () => {
  const given = new AbortController();
  const looking = glance(POCKET, given.signal);
  given.abort();
  await expect(looking).rejects.toMatchObject({ name: 'AbortError' });
});
