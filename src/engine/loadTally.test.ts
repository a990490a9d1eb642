// One bar over all bytes: it knows its whole beforehand, never falls back, and ends full.

import { readdirSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { POCKET } from '../models/catalog';
import type { LoadingEvent } from '../protocol/events';
import { LoadTally } from './loadTally';

test('one total over all parts, a time left from the speed, and a share that never falls', () => {
  const said: LoadingEvent[] = [];
  let now = 0;
  const tally = new LoadTally(
    (event) => said.push(event),
    () => now,
  );
  tally.expect({ runtime: 4000, model: 6000 });
  tally.tell('Loading ONNX Runtime');
  for (const [name, bytes] of [
    ['runtime', 4000],
    ['model', 6000],
  ] as const) {
    for (let loaded = 500; loaded <= bytes; loaded += 500) {
      now += 500;
      tally.count(name, loaded, name === 'model' ? bytes : null);
    }
    tally.finish(name, bytes);
    tally.tell('Loading the model');
  }
  expect(new Set(said.map(({ totalBytes }) => totalBytes))).toEqual(new Set([10_000]));
  const shares = said.map(({ loadedBytes }) => loadedBytes);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(shares.at(-1)).toBe(10_000);
  expect(said.find(({ loadedBytes }) => loadedBytes === 5000)?.secondsLeft).toBeCloseTo(5);
});

test('without a size beforehand there is no total until the server says it', () => {
  const said: LoadingEvent[] = [];
  const tally = new LoadTally(
    (event) => said.push(event),
    () => 1000 * said.length,
  );
  tally.count('a', 10, null);
  tally.count('a', 20, 30);
  tally.finish('a', 25);
  expect(said.map(({ totalBytes }) => totalBytes)).toEqual([null, 30, 25]);
});

test('the sizes that are written down are those of the files that every run reads', () => {
  const root = `public/${POCKET.folder}`;
  // The encoder is for runs from an image alone.
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (path) => statSync(root + path).isFile() && !path.startsWith('vae_encoder/'),
  );
  expect(POCKET.bytes).toEqual(Object.fromEntries(files.map((path) => [path, statSync(root + path).size])));
});
