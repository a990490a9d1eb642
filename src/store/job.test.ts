// The job slice over whole stories of events: nothing is lost, and nothing stays stuck.

import { expect, test } from 'vitest';
import type { EngineEvent, Pair } from '../protocol/messages';
import { IDLE, asked, reduce, type Job } from './job';
import { DEFAULTS } from './settings';

const pair: Pair = { withoutPag: null, withPag: { width: 1, height: 1, rgba: new Uint8ClampedArray(4) } };
const stats = { seconds: 1, unetRows: 1, rowsBeforeFork: 1, rowsAfterFork: 1, perturbedSites: [] };
const error = { code: 'device-lost', message: 'gone', detail: '' } as const;
const run = (id: string) => ({ id, settings: DEFAULTS });
const after = (job: Job, ...events: EngineEvent[]) => events.reduce(reduce, job);

test('a run that is done leaves its pair', () => {
  const job = after(asked(IDLE, run('a')), { type: 'preview', runId: 'a', step: 1, pair }, { type: 'done', runId: 'a', pair, stats });
  expect(job).toMatchObject({ runs: [], progress: null, shown: { pair, stats }, lastEnd: 'done' });
});

test.each<EngineEvent>([
  { type: 'error', runId: 'b', error },
  { type: 'cancelled', runId: 'b' },
])('the finished pair survives %j of the next run', (end) => {
  const first = after(asked(IDLE, run('a')), { type: 'done', runId: 'a', pair, stats });
  const job = after(asked(first, run('b')), { type: 'progress', runId: 'b', phase: 'denoise', step: 1, steps: 2, secondsLeft: 1 }, { type: 'preview', runId: 'b', step: 1, pair: { ...pair } }, end);
  expect(job).toMatchObject({ runs: [], progress: null, shown: { stats } });
  expect(job.shown?.pair).toBe(pair);
  expect(job.error).toEqual(end.type === 'error' ? error : null);
});

test('asking again clears the error; waiting runs stay', () => {
  const failed = after(asked(asked(IDLE, run('a')), run('b')), { type: 'error', runId: 'a', error });
  expect(failed.runs.map(({ id }) => id)).toEqual(['b']);
  expect(asked(failed, run('c')).error).toBeNull();
});

test('an error while loading belongs to no run and ends none', () => {
  const job = after(asked(IDLE, run('a')), { type: 'loading', what: 'x', loadedBytes: 1, totalBytes: 2 }, { type: 'error', runId: null, error });
  expect(job).toMatchObject({ loading: null, error });
  expect(job.runs).toHaveLength(1);
});
