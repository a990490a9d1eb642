// What a run gets of a painted mask: sealed when the hand rests or when it is asked for, none where nothing is masked,
// kept for another picture of its size. And the preset for repairing, taken back as far as nothing changed since.

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { useRepair } from './repair';
import { useStartImage, type ChosenStart } from './startImage';
import { useStartMask } from './startMask';
import { useStore } from './store';

vi.hoisted(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('window', { addEventListener: () => {} });
  vi.stubGlobal('navigator', {});
});

const start = (hash: string, width = 40, height = 30): ChosenStart => ({
  name: hash,
  image: { width, height, hash, rgb: new Blob([]), ...kept(width, height) },
  url: '',
  notes: [],
});
/** As `take` does. */
const kept = (width: number, height: number) => {
  const { chosen } = useStartImage.getState();
  const mask = chosen?.image.width === width && chosen.image.height === height ? chosen.image.mask : undefined;
  return mask && { mask };
};
const mask = () => useStartMask.getState();
const onImage = () => useStartImage.getState().chosen?.image.mask;
const dot = () => {
  mask().beginStroke();
  mask().stroke({ x: 20, y: 15 }, { x: 20, y: 15 }, false);
  mask().endStroke();
};

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => useStartImage.setState({ chosen: null }));
afterAll(() => {
  vi.useRealTimers();
});

test('a mask goes along when the hand rests, or at once when it is asked for', async () => {
  useStartImage.setState({ chosen: start('a') });
  expect(mask().sealed()).toBe(null);
  dot();
  expect(onImage()).toBe(undefined);
  await vi.advanceTimersByTimeAsync(1000);
  await vi.waitFor(() => expect(onImage()).toBeDefined());
  const [first] = [onImage()!];
  expect(first.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(mask().share).toBeCloseTo(19 / 1200, 2);

  mask().invert();
  // A change while it is sealed is sealed too.
  const sealing = mask().sealed()!;
  dot();
  await sealing;
  const gray = new Uint8Array(await onImage()!.gray.arrayBuffer());
  expect(Buffer.compare(gray, mask().pixels!.gray)).toBe(0);
  expect(gray.every((level) => level > 127)).toBe(true);
  expect(mask().sealed()).toBe(null);

  mask().clear();
  await mask().sealed();
  expect([onImage(), mask().share]).toEqual([undefined, 0]);
  mask().undo();
  await mask().sealed();
  expect(mask().share).toBe(1);
});

test('another picture of its size keeps it, one of another size or none does not, and it is said', async () => {
  useStartImage.setState({ chosen: start('a') });
  dot();
  await mask().sealed();
  const { hash } = onImage()!;
  useStartImage.setState({ chosen: start('b') });
  expect([onImage()?.hash, mask().said]).toEqual([hash, [expect.stringContaining('kept')]]);
  useStartImage.setState({ chosen: start('c', 30, 40) });
  expect([onImage(), mask().pixels, mask().said]).toEqual([undefined, null, [expect.stringContaining('another size')]]);
  useStartImage.setState({ chosen: null });
  mask().invert();
  expect([mask().pixels, mask().sealed()]).toEqual([null, null]);
});

test('repair sets what it needs, and gives back what was not changed since', () => {
  const settings = () => useStore.getState().settings;
  const { change } = useStore.getState();
  change({ prompt: 'a cat', guidanceScale: 7, pagScale: 0 });
  useRepair.getState().repair();
  expect(settings()).toMatchObject({ prompt: '', guidanceScale: 1, pagScale: 3 });
  expect(useRepair.getState().repaired?.text).toBe('no prompt, CFG scale 1, PAG scale 3');
  change({ pagScale: 5 });
  useRepair.getState().undo();
  expect(settings()).toMatchObject({ prompt: 'a cat', guidanceScale: 7, pagScale: 5 });
  change({ prompt: '', guidanceScale: 1 });
  useRepair.getState().repair();
  expect(useRepair.getState().repaired?.set).toEqual({});
});
