// What is told and given up of a GPU that takes long, with a device that answers as the test says and a clock that the
// test moves.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Waiting } from '../protocol/events';
import { GpuWaits } from './gpuWaits';

/** A device, and how it answers: each function does for all that was asked so far. */
function fakeDevice() {
  const [scopes, queued, losses] = [[], [], []] as (() => void)[][];
  const later = (list: (() => void)[] | undefined) => () => new Promise<void>((resolve) => list!.push(resolve));
  const device = {
    lost: later(losses)(),
    pushErrorScope: () => {},
    popErrorScope: later(scopes),
    queue: { onSubmittedWorkDone: later(queued) },
  } as unknown as GPUDevice;
  const say = (list: (() => void)[] | undefined) => list!.splice(0).forEach((answer) => answer());
  return { device, hear: () => say(scopes), finish: () => say(queued), lose: () => say(losses) };
}

let told: (Waiting | null)[];
let waits: GpuWaits;
const never = () => new Promise<void>(() => {});
const seconds = (count: number) => vi.advanceTimersByTimeAsync(1000 * count);

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  waits = new GpuWaits((waiting) => told.push(waiting));
});
afterEach(() => {
  vi.useRealTimers();
});

test('what comes soon is not told, and no clock goes on behind it', async () => {
  waits.watch(fakeDevice().device);
  let come = () => {};
  const wait = waits.during('unet', () => new Promise<string>((resolve) => (come = () => resolve('here'))));
  await seconds(4);
  come();
  expect(await wait).toBe('here');
  await seconds(60);
  expect([told, vi.getTimerCount()]).toEqual([[], 0]);
  await expect(waits.during('vae', () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
});

test('what takes long is told each second, with what the device says, and that it has come', async () => {
  const { device, hear, finish } = fakeDevice();
  waits.watch(device);
  let come = () => {};
  const wait = waits.during('unet', () => new Promise<void>((resolve) => (come = resolve)));
  await seconds(5);
  expect(told).toEqual([{ what: 'unet', seconds: 5, gpu: null }]);
  await seconds(10);
  expect(told.at(-1)).toEqual({ what: 'unet', seconds: 15, gpu: 'silent' });
  hear();
  await seconds(1);
  expect(told.at(-1)?.gpu).toBe('computing');
  finish();
  await seconds(1);
  expect(told.at(-1)?.gpu).toBe('idle');
  // It is asked again, and may have gone silent since.
  await seconds(10);
  expect(told.at(-1)?.gpu).toBe('silent');
  // What a driver compiles is not of the queue: it is waited for as long as it takes.
  finish();
  await seconds(600);
  come();
  await wait;
  expect(told.at(-1)).toBe(null);
});

test('an answer that is missing is given up, once one that was asked for later has come', async () => {
  const { device, finish } = fakeDevice();
  waits.watch(device);
  const wait = waits.during('a result', never, true);
  const failed = expect(wait).rejects.toMatchObject({ code: 'device-lost' });
  await seconds(300);
  // What begins now was not there when the device was asked.
  let isGivenUp = false;
  waits.during('a younger one', never, true).catch(() => (isGivenUp = true));
  finish();
  await seconds(7);
  await failed;
  expect(isGivenUp).toBe(false);
});

test('on a lost device nothing is waited for without end, but another device is', async () => {
  const first = fakeDevice();
  waits.watch(first.device);
  const wait = waits.during('unet', never);
  const failed = expect(wait).rejects.toMatchObject({ code: 'device-lost' });
  await seconds(2);
  first.lose();
  await seconds(7);
  await failed;
  waits.watch(null);
  let isHere = false;
  const another = waits.during('a GPU', never).finally(() => (isHere = true));
  await seconds(60);
  expect([isHere, told.at(-1)]).toEqual([false, { what: 'a GPU', seconds: 60, gpu: null }]);
  void another;
});
