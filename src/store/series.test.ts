// What a series begins with: the mask as it is painted, though the hand has not rested since the last stroke. The real
// slices, over a worker that the test plays.

import { afterEach, expect, test, vi } from 'vitest';
import type { GenerateRequest } from '../protocol/requests';
import { FakeWorker } from '../protocol/testing/fakeWorker';
import { useSeries } from './series';
import { useStartImage } from './startImage';
import { useStartMask } from './startMask';

const { workers } = vi.hoisted(() => {
  const made: FakeWorker[] = [];
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('window', { addEventListener: () => {} });
  vi.stubGlobal('navigator', {});
  return { workers: made };
});
vi.stubGlobal(
  'Worker',
  class extends FakeWorker {
    constructor() {
      super();
      workers.push(this);
    }
  },
);

const series = () => useSeries.getState();
const mask = () => useStartMask.getState();
const onImage = () => useStartImage.getState().chosen!.image.mask;
const stroke = (y: number) => {
  mask().beginStroke();
  mask().stroke({ x: 20, y }, { x: 20, y }, false);
  mask().endStroke();
};
const asked = () => workers.at(-1)?.got.filter((one): one is GenerateRequest => one.type === 'generate') ?? [];
const OTHER_MASK = expect.stringContaining('another start image, mask or LoRA') as string;

afterEach(() => {
  for (const one of workers) one.fails('the test is over');
});

test('it begins, and goes on, with the mask as it is painted', async () => {
  const image = { width: 40, height: 30, hash: 'a', rgb: new Blob([]) };
  useStartImage.setState({ chosen: { name: 'a', image, url: '', notes: [] } });
  stroke(15);
  expect(onImage()).toBeUndefined();
  series().begin();
  await vi.waitFor(() => expect(asked()).toHaveLength(1));
  expect(asked()[0]!.start?.mask).toEqual(onImage());
  expect(onImage()).toBeDefined();
  expect(series().series).toMatchObject({ phase: 'running', why: null });

  series().pause();
  stroke(3);
  const { runId } = asked()[0]!;
  workers.at(-1)!.says({ type: 'cancelled', runId });
  const before = onImage();
  series().goOn();
  // It was begun with another: that is said at once, and not after a picture with the mask of before.
  await vi.waitFor(() => expect(series().series).toMatchObject({ phase: 'paused', why: OTHER_MASK }));
  expect(onImage()?.hash).not.toBe(before!.hash);
  expect(asked()).toHaveLength(1);
});
