// The rescaledGuidance kernel on Dawn: against PyTorch's goldens, and against its twin on several images of a size
// that leaves a ragged workgroup. Bound: a few f32 roundings of sums of some hundred values below 20.

import { beforeAll, expect, it } from 'vitest';
import type { CombinedImage, NonlinearGuidance } from '../diffusion/guidance';
import { KernelCompiler, type ElementType } from './compiler';
import { createRescaledGuidance, type RescaledGuidanceShape } from './rescaledGuidance';
import { rescaledGuidanceOnCpu } from './rescaledGuidance.cpu';
import { download, load, maxDifference, pseudoRandom, store, upload } from './testing/buffers';
import { describeOnDawn } from './testing/dawn';
import { CASES, GOLDEN, SHAPE, maxDifferenceTo } from './testing/guidance';

const BOUND = 20 * 2 ** -18;

describeOnDawn('rescaledGuidance on Dawn', (gpu) => {
  let compiler: KernelCompiler;
  beforeAll(() => {
    compiler = new KernelCompiler(gpu.device);
  });

  async function run(
    shape: RescaledGuidanceShape,
    elem: ElementType,
    predictions: Float32Array,
    latents: Float32Array,
    images: readonly CombinedImage[],
    guidance: NonlinearGuidance,
    denoised: { sample: number; prediction: number },
  ): Promise<Float32Array> {
    const kernel = await createRescaledGuidance(compiler, shape, elem);
    const combined = upload(gpu.device, 'combined', new Float32Array(latents.length).fill(7));
    const encoder = gpu.device.createCommandEncoder({ label: 'rescaledGuidance test' });
    kernel.encode(
      encoder,
      {
        predictions: upload(gpu.device, 'predictions', store(predictions, elem)),
        latents: upload(gpu.device, 'latents', latents),
        combined,
      },
      images,
      guidance,
      denoised,
    );
    gpu.device.queue.submit([encoder.finish()]);
    return new Float32Array(await download(gpu.device, combined), 0, latents.length);
  }

  it.each(CASES)('$name is PyTorch’s', async ({ name, image, guidance }) => {
    const got = await run(
      SHAPE,
      'f32',
      Float32Array.from(GOLDEN.rows),
      Float32Array.from(GOLDEN.latents),
      [image],
      guidance,
      GOLDEN.denoised,
    );
    expect(maxDifferenceTo(name, got)).toBeLessThan(BOUND);
  });

  for (const elem of ['f32', 'f16'] as const) {
    it.runIf(elem === 'f32' || gpu.f16)(`${elem}: is its twin for a pair, on more elements than threads`, async () => {
      const shape = { rows: 5, channels: 3, height: 13, width: 11 };
      const elements = 3 * 13 * 11;
      const predictions = load(store(pseudoRandom(5 * elements, 3, 2), elem).buffer as ArrayBuffer, elem, 5 * elements);
      const latents = pseudoRandom(2 * elements, 4, 3);
      const images = [
        { uncond: 0, cond: 1, perturbed: null, guidanceScale: 4, pagScale: 0 },
        { uncond: 2, cond: 3, perturbed: 4, guidanceScale: 4, pagScale: 3 },
      ];
      for (const guidance of [
        ...CASES.map((each) => each.guidance),
        { rescale: { mode: 'snf' }, guidanceRescale: 0.4 } as const,
      ]) {
        const expected = rescaledGuidanceOnCpu(shape, { predictions, latents }, images, guidance, GOLDEN.denoised);
        const got = await run(shape, elem, predictions, latents, images, guidance, GOLDEN.denoised);
        expect(maxDifference(got, expected)).toBeLessThan(BOUND);
      }
    });
  }
});
