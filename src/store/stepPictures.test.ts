// What is shown of a step's latents: coarse by its own map to colours, decoded where that is there, in its place where
// a part of a picture was made. The real slices, over no worker.

import { beforeEach, expect, test, vi } from 'vitest';
import { float32ToFloat16 } from '../kernels/float16';
import type { StepLatents } from '../protocol/runSteps';
import { IDLE, type Job, type Shown } from './job';
import { decodeSteps, stepPicture, useStepPictures, whyNotDecoded } from './stepPictures';
import { useStore } from './store';

vi.hoisted(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('window', { addEventListener: () => {} });
  vi.stubGlobal('navigator', {});
});

const colours = { factors: [[1, 0, 0] as const, [0, 1, 0] as const], bias: [0, 0, 1] as const };
/** Two channels of 1 × 2. */
const latents = (): StepLatents => ({ dims: [2, 1, 2], halves: float32ToFloat16(Float32Array.of(-1, 1, 1, -1)) });
const picture = (width: number, height: number, level: number) => ({
  width,
  height,
  rgba: new Uint8ClampedArray(4 * width * height).fill(level),
});
const whole = picture(4, 4, 9);
const signal = new AbortController().signal;

beforeEach(() => useStepPictures.setState({ decoded: new Map(), failure: null }));

test('latents are a pixel each in their colours, until they are decoded; kept pictures are themselves', () => {
  expect(stepPicture(latents(), { colours }, undefined, whole)).toEqual({
    width: 2,
    height: 1,
    rgba: Uint8ClampedArray.of(0, 255, 255, 255, 255, 0, 255, 255),
  });
  const decoded = picture(16, 8, 50);
  expect(stepPicture(latents(), { colours }, decoded, whole)).toBe(decoded);
  expect(stepPicture(latents(), { colours: null }, undefined, whole)).toBeNull();
  expect(stepPicture(decoded, { colours: null }, undefined, whole)).toBe(decoded);
  expect(stepPicture(null, { colours }, undefined, whole)).toBeNull();
});

test('a part lies where it was made, in the picture that was finished', () => {
  const within = { left: 0, top: 0.5, right: 0.5, bottom: 1 };
  const { rgba, ...size } = stepPicture(latents(), { colours, within }, picture(2, 2, 200), whole)!;
  expect(size).toEqual({ width: 4, height: 4 });
  expect(Array.from({ length: 16 }, (_, at) => rgba[4 * at])).toEqual(
    [
      [9, 9, 9, 9],
      [9, 9, 9, 9],
      [200, 200, 9, 9],
      [200, 200, 9, 9],
    ].flat(),
  );
});

test('each is decoded once, the oldest make room, and a failure is said until one succeeds', async () => {
  const asked: StepLatents[] = [];
  const decode = vi.fn((_: string, one: StepLatents) => {
    asked.push(one);
    // A quarter of the room each.
    return Promise.resolve(picture(2048, 2048, 1));
  });
  useStore.setState({ decode });
  const all = Array.from({ length: 5 }, latents);
  expect(await decodeSteps('m', all.slice(0, 4), signal)).toBe(true);
  expect(await decodeSteps('m', all.slice(0, 4), signal)).toBe(true);
  expect(asked).toEqual(all.slice(0, 4));
  await decodeSteps('m', all.slice(4), signal);
  const { decoded } = useStepPictures.getState();
  expect(all.map((one) => decoded.has(one))).toEqual([false, true, true, true, true]);
  decode.mockRejectedValueOnce(new Error('It broke.'));
  expect(await decodeSteps('m', all.slice(0, 2), signal)).toBe(false);
  expect(useStepPictures.getState().failure).toBe('This step could not be decoded. It broke.');
  // No longer wanted: the others are not asked for.
  decode.mockResolvedValueOnce(null as never);
  const before = decode.mock.calls.length;
  expect(await decodeSteps('m', [latents(), latents()], signal)).toBe(false);
  expect(decode.mock.calls.length).toBe(before + 1);
  expect(await decodeSteps('m', all.slice(0, 1), signal)).toBe(true);
  expect(useStepPictures.getState().failure).toBeNull();
});

test('it is said why steps stay coarse', () => {
  const shown = (ref: string, appVersion = '0') => ({ ref, recipe: { appVersion } }) as Shown;
  const model = (id: string) => ({ id }) as Job['model'];
  const why = (one: Shown | null, loaded: Job['model']) => whyNotDecoded({ ...IDLE, shown: one, model: loaded });
  expect(why(null, null)).toBeNull();
  expect(why(shown('a'), null)).toMatch(/until the model is loaded/);
  expect(why(shown('a'), model('b'))).toMatch(/not the one that made this pair/);
  expect(why(shown('a'), model('a'))).toBeNull();
  expect(why(shown('pocket'), model('pocket'))).toMatch(/earlier version of the built-in model/);
  expect(why({ ...shown('pocket'), recipe: null }, model('pocket'))).toBeNull();
});
