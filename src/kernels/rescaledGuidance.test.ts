// The CPU twin against PyTorch (fixtures/guidance/make_golden.py) and the numbers of diffusers' rescale that
// pag.md has. Bound: the goldens are f64, the rows and the result f32 of magnitude below 20.

import { describe, expect, it } from 'vitest';
import { combinedImages, isNonlinear, planStep } from '../diffusion/guidance';
import { rescaledGuidanceOnCpu } from './rescaledGuidance.cpu';
import { CASES, GOLDEN, SHAPE, maxDifferenceTo } from './testing/guidance';

const BOUND = 20 * 2 ** -23;

describe('rescaled guidance on the CPU', () => {
  it.each(CASES)('$name is PyTorch’s', ({ name, image, guidance }) => {
    const { rows, latents, denoised } = GOLDEN;
    const got = rescaledGuidanceOnCpu(
      SHAPE,
      { predictions: Float32Array.from(rows), latents: Float32Array.from(latents) },
      [image],
      guidance,
      denoised,
    );
    expect(maxDifferenceTo(name, got)).toBeLessThan(BOUND);
  });

  it("gives the reference's numbers for φ = 0.7", () => {
    const wave = (f: (i: number) => number) => Array.from({ length: 64 }, (_, i) => f(i));
    const predictions = Float32Array.from([
      ...wave((i) => Math.sin(0.1 * i)),
      ...wave((i) => Math.cos(0.13 * i)),
      ...wave((i) => Math.sin(0.17 * i + 0.5)),
    ]);
    const image = { uncond: 0, cond: 1, perturbed: 2, guidanceScale: 4, pagScale: 3 };
    const shape = { rows: 3, channels: 4, height: 4, width: 4 };
    const arrays = { predictions, latents: new Float32Array(64) };
    const denoised = { sample: 1, prediction: -1 };
    const first = (guidanceRescale: number) => [
      ...rescaledGuidanceOnCpu(
        shape,
        arrays,
        [image],
        { rescale: { mode: 'off' }, guidanceRescale },
        denoised,
      ).subarray(0, 4),
    ];
    first(0.7).forEach((value, i) => expect(value).toBeCloseTo([2.1808763, 1.8737471, 1.5429203, 1.1949174][i]!, 5));
    first(0).forEach((value, i) => expect(value).toBeCloseTo([5.5617234, 4.778475, 3.9347925, 3.0473073][i]!, 5));
  });

  it('refuses a row that is not there', () => {
    const image = { uncond: 3, cond: 1, perturbed: null, guidanceScale: 1, pagScale: 0 };
    const arrays = { predictions: new Float32Array(3 * 90), latents: new Float32Array(90) };
    expect(() =>
      rescaledGuidanceOnCpu(SHAPE, arrays, [image], { rescale: { mode: 'off' }, guidanceRescale: 0 }, GOLDEN.denoised),
    ).toThrow(RangeError);
  });
});

describe('the rows of an image in a batch', () => {
  const images = [
    { guidanceScale: 4, pagScale: 0 },
    { guidanceScale: 4, pagScale: 3 },
  ];

  it('are found by what they are', () => {
    expect(combinedImages(images, planStep(images).rows)).toEqual([
      { uncond: 0, cond: 1, perturbed: null, guidanceScale: 4, pagScale: 0 },
      { uncond: 2, cond: 3, perturbed: 4, guidanceScale: 4, pagScale: 3 },
    ]);
    const alone = [{ guidanceScale: 1, pagScale: 3 }];
    expect(combinedImages(alone, planStep(alone).rows)).toEqual([
      { uncond: null, cond: 0, perturbed: 1, guidanceScale: 1, pagScale: 3 },
    ]);
  });

  it('are a weighted sum unless something is rescaled', () => {
    const both = combinedImages(images, planStep(images).rows);
    const [plain] = both;
    const off = { rescale: { mode: 'off' }, guidanceRescale: 0 } as const;
    expect(isNonlinear(off, both)).toBe(false);
    expect(isNonlinear({ ...off, rescale: { mode: 'full', amount: 0 } }, both)).toBe(false);
    expect(isNonlinear({ ...off, rescale: { mode: 'full', amount: 0.1 } }, both)).toBe(true);
    expect(isNonlinear({ ...off, rescale: { mode: 'full', amount: 0.1 } }, [plain!])).toBe(false);
    expect(isNonlinear({ ...off, rescale: { mode: 'snf' } }, [{ ...plain!, uncond: null, perturbed: 1 }])).toBe(false);
    expect(isNonlinear({ ...off, guidanceRescale: 0.1 }, [plain!])).toBe(true);
  });
});
