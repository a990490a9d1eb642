// The two kernels around a UNet forward, held to their twins on Dawn. Bounds: a step is a handful of f32
// operations on values below 40, so 16 rounding units of 40 cover it; f16 predictions are rounded before
// both sides read them.

import { beforeAll, expect, it } from 'vitest';
import { KernelCompiler, type ElementType } from './compiler';
import { createGuidedStep, type GuidedStepShape, type RowWeights } from './guidedStep';
import { guidedStepOnCpu, type GuidedStepArrays } from './guidedStep.cpu';
import { createMaskBlend } from './maskBlend';
import { maskBlendOnCpu } from './maskBlend.cpu';
import { createModelInput } from './modelInput';
import { modelInputOnCpu } from './modelInput.cpu';
import { download, load, maxDifference, pseudoRandom, store, upload } from './testing/buffers';
import { describeOnDawn } from './testing/dawn';
import { COMBINE_ONLY, EVERY_FACTOR, stepArrays } from './testing/steps';

const STEP_BOUND = 16 * 40 * 2 ** -24;

describeOnDawn('guidedStep and modelInput on Dawn', (gpu) => {
  let compiler: KernelCompiler;
  beforeAll(() => {
    compiler = new KernelCompiler(gpu.device);
  });

  async function run(
    shape: GuidedStepShape,
    elem: ElementType,
    arrays: GuidedStepArrays,
    weights: RowWeights,
    coefficients = EVERY_FACTOR,
  ) {
    const kernel = await createGuidedStep(compiler, shape, elem);
    const length = shape.images * shape.elements;
    const nextLatents = upload(gpu.device, 'next latents', new Float32Array(length).fill(7));
    const denoised = upload(gpu.device, 'denoised', new Float32Array(length).fill(7));
    const historyLength = shape.depth * length;
    const nextHistory = upload(gpu.device, 'next history', new Float32Array(historyLength).fill(7));
    const encoder = gpu.device.createCommandEncoder({ label: 'guidedStep test' });
    kernel.encode(
      encoder,
      {
        predictions: upload(gpu.device, 'predictions', store(arrays.predictions, elem)),
        latents: upload(gpu.device, 'latents', arrays.latents),
        history: upload(gpu.device, 'history', arrays.history),
        noise: arrays.noise ? upload(gpu.device, 'noise', arrays.noise) : null,
        nextLatents,
        denoised,
        nextHistory,
      },
      weights,
      coefficients,
    );
    gpu.device.queue.submit([encoder.finish()]);
    const read = async (buffer: GPUBuffer, count = length) =>
      new Float32Array(await download(gpu.device, buffer), 0, count);
    return {
      latents: await read(nextLatents),
      denoised: await read(denoised),
      history: await read(nextHistory, historyLength),
    };
  }

  for (const elem of ['f32', 'f16'] as const) {
    it.runIf(elem === 'f32' || gpu.f16)(`${elem}: guidedStep is its twin, whole and ragged workgroups`, async () => {
      for (const elements of [1, 64, 1000]) {
        const shape = { rows: 3, images: 2, elements, depth: 4 };
        const arrays = stepArrays(shape);
        const rounded = load(store(arrays.predictions, elem).buffer as ArrayBuffer, elem, arrays.predictions.length);
        const weights = [
          [-3, 4, 0],
          [-3, 7, -3],
        ];
        const expected = guidedStepOnCpu(shape, { ...arrays, predictions: rounded }, weights, EVERY_FACTOR);
        const got = await run(shape, elem, arrays, weights);
        expect(maxDifference(got.latents, expected.latents)).toBeLessThanOrEqual(STEP_BOUND);
        expect(maxDifference(got.denoised, expected.denoised)).toBeLessThanOrEqual(STEP_BOUND);
        expect(maxDifference(got.history, expected.history)).toBeLessThanOrEqual(STEP_BOUND);
        expect(got.history.slice(2 * elements)).toEqual(arrays.history.slice(0, 6 * elements));
      }
    });

    it.runIf(elem === 'f32' || gpu.f16)(`${elem}: modelInput is its twin`, async () => {
      const shape = { images: 2, elements: 100 };
      const latents = pseudoRandom(200, 5, 4);
      const images = [0, 1, 1];
      const kernel = await createModelInput(compiler, shape, elem);
      const out = upload(gpu.device, 'out', store(new Float32Array(300), elem));
      const encoder = gpu.device.createCommandEncoder({ label: 'modelInput test' });
      kernel.encode(encoder, { latents: upload(gpu.device, 'latents', latents), out }, images, 0.3);
      gpu.device.queue.submit([encoder.finish()]);
      const got = load(await download(gpu.device, out), elem, 300);
      const expected = modelInputOnCpu(shape, latents, images, 0.3);
      expect(maxDifference(got, expected)).toBeLessThanOrEqual(elem === 'f16' ? 1.2 * 2 ** -11 : 2 ** -23);
    });

    it.runIf(elem === 'f32' || gpu.f16)(
      `${elem}: what lies beside the latents is behind them in each row`,
      async () => {
        const shape = { images: 2, elements: 100, besideElements: 75 };
        const [latents, beside] = [pseudoRandom(200, 5, 4), pseudoRandom(150, 6, 4)];
        const images = [0, 1, 1];
        const kernel = await createModelInput(compiler, shape, elem);
        const out = upload(gpu.device, 'out', store(new Float32Array(525), elem));
        const encoder = gpu.device.createCommandEncoder({ label: 'modelInput test' });
        const buffers = {
          latents: upload(gpu.device, 'latents', latents),
          beside: upload(gpu.device, 'beside', beside),
        };
        kernel.encode(encoder, { ...buffers, out }, images, 0.3);
        gpu.device.queue.submit([encoder.finish()]);
        const got = load(await download(gpu.device, out), elem, 525);
        const expected = modelInputOnCpu(shape, latents, images, 0.3, 0, beside);
        expect([...expected.subarray(175 + 100, 175 + 175)]).toEqual([...beside.subarray(75)]);
        expect(maxDifference(got, expected)).toBeLessThanOrEqual(elem === 'f16' ? 2 ** -10 : 2 ** -23);
      },
    );
  }

  it('maskBlend is its twin, and reads nothing of the side that is left out', async () => {
    const shape = { images: 2, elements: 4 * 70, plane: 70 };
    const count = shape.images * shape.elements;
    const mask = Float32Array.from({ length: 70 }, (_, at) => [0, 1, 0.25][at % 3]!);
    const of = (seed: number, left: number) =>
      pseudoRandom(count, seed, 2).map((value, at) => (mask[at % 70] === left ? NaN : value));
    const arrays = { latents: of(1, 0), start: of(2, 1), startNoise: of(3, 1), mask };
    const factors = { sample: 0.8, noise: 0.6 };
    const expected = maskBlendOnCpu(shape, arrays, factors);
    expect(expected.every(Number.isFinite)).toBe(true);
    expect(expected[2]).toBeCloseTo(
      0.25 * arrays.latents[2]! + 0.6 * arrays.start[2]! + 0.45 * arrays.startNoise[2]!,
      6,
    );
    const kernel = await createMaskBlend(compiler, shape);
    const out = upload(gpu.device, 'out', new Float32Array(count).fill(7));
    const encoder = gpu.device.createCommandEncoder({ label: 'maskBlend test' });
    const given = Object.entries(arrays).map(([name, values]) => [name, upload(gpu.device, name, values)]);
    const buffers = Object.fromEntries(given) as Record<keyof typeof arrays, GPUBuffer>;
    kernel.encode(encoder, { ...buffers, out }, factors);
    gpu.device.queue.submit([encoder.finish()]);
    const got = new Float32Array(await download(gpu.device, out), 0, count);
    expect(maxDifference(got, expected)).toBeLessThanOrEqual(4 * 2 ** -23);
  });

  it('lets nothing leak whose factor is 0, not even a NaN', async () => {
    const shape = { rows: 2, images: 1, elements: 70, depth: 1 };
    const nan = new Float32Array(70).fill(NaN);
    const arrays = { ...stepArrays(shape), history: nan, noise: nan };
    arrays.predictions.fill(NaN, 70);
    const got = await run(shape, 'f32', arrays, [[1, 0]], COMBINE_ONLY);
    expect(got.latents).toEqual(arrays.predictions.slice(0, 70));
    const absent = await run(shape, 'f32', { ...arrays, noise: null }, [[1, 0]], COMBINE_ONLY);
    expect(absent.latents).toEqual(got.latents);
  });

  it('neither clamps nor keeps where the step does not say so', async () => {
    const shape = { rows: 3, images: 1, elements: 70, depth: 2 };
    const coefficients = { ...COMBINE_ONLY, denoised: EVERY_FACTOR.denoised, next: { denoised: 1, sample: 0.5 } };
    const arrays = stepArrays(shape);
    const got = await run(shape, 'f32', arrays, [[-3, 7, -3]], coefficients);
    const expected = guidedStepOnCpu(shape, arrays, [[-3, 7, -3]], coefficients);
    expect(Math.max(...expected.denoised)).toBeGreaterThan(1.5);
    expect(maxDifference(got.denoised, expected.denoised)).toBeLessThanOrEqual(STEP_BOUND);
    expect(maxDifference(got.latents, expected.latents)).toBeLessThanOrEqual(STEP_BOUND);
    expect(got.history.slice(0, 70)).toEqual(new Float32Array(70));
  });
});
