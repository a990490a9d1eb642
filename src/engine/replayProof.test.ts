// What the proof of a replay notices, of devices that do what some were seen to do.

import { expect, test } from 'vitest';
import { WrongReplay, proveReplay, type RunWay } from './replayProof';

/** out = in + what a copy of `in` left. */
function device({ copies = (way: RunWay, isFirst: boolean) => way === 'anew' || isFirst, runs = true, reads = true }) {
  let runsSoFar = 0;
  let copied = 0;
  let out = 0;
  return (input: 'given' | 'zeros', way: RunWay) => {
    const isFirst = runsSoFar === 0;
    runsSoFar += 1;
    const value = input === 'given' && reads ? 2 : 0;
    if (copies(way, isFirst)) copied = value;
    if (way === 'anew' || isFirst || runs) out = value + copied;
    return Promise.resolve(Float32Array.of(out));
  };
}

test('a replay that is what an ordinary run gives is trusted', async () => {
  await proveReplay(device({ copies: () => true }));
});

test.each([
  ['does nothing', device({ copies: () => true, runs: false })],
  ['lacks a copy in the midst of the graph', device({})],
  ['is of the input that was recorded', device({ copies: () => true, reads: false })],
])('one that %s is not', async (_name, run) => {
  await expect(proveReplay(run)).rejects.toThrow(WrongReplay);
});

test('numbers that have run away tell nothing of the input', async () => {
  await proveReplay(() => Promise.resolve(Float32Array.of(NaN)));
});
