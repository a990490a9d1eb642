import { describe, expect, it } from 'vitest';
import { planStep } from '../diffusion/guidance';
import { guidedStepOnCpu } from './guidedStep.cpu';
import { COMBINE_ONLY, EVERY_FACTOR, stepArrays } from './testing/steps';

/** The reference's inputs: ε_∅ = sin(.1i), ε_c = cos(.13i), ε̂ = sin(.17i + .5), i = 0 … 63. */
const REFERENCE = {
  uncond: (i: number) => Math.sin(0.1 * i),
  cond: (i: number) => Math.cos(0.13 * i),
  perturbed: (i: number) => Math.sin(0.17 * i + 0.5),
};

function combine(guidanceScale: number, pagScale: number): Float32Array {
  const plan = planStep([{ guidanceScale, pagScale }]);
  const predictions = plan.rows.flatMap((row) => {
    const of = row.identity > 0 ? REFERENCE.perturbed : REFERENCE[row.context];
    return Array.from({ length: 64 }, (_, i) => of(i));
  });
  const arrays = {
    predictions: Float32Array.from(predictions),
    latents: new Float32Array(64),
    history: new Float32Array(64),
    noise: null,
  };
  return guidedStepOnCpu(
    { rows: plan.rows.length, images: 1, elements: 64, depth: 1 },
    arrays,
    plan.weights,
    COMBINE_ONLY,
  ).latents;
}

describe('guidedStepOnCpu', () => {
  it('combines to the reference numbers with g = 4, s = 3', () => {
    const out = combine(4, 3);
    [5.5617234, 4.778475, 3.9347925, 3.0473073].forEach((value, i) => expect(out[i]).toBeCloseTo(value, 5));
    expect(out[63]).toBeCloseTo(0.5727393, 5);
    const sum = out.reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(42.122759, 4);
    const std = Math.sqrt(out.reduce((a, b) => a + (b - sum / 64) ** 2, 0) / 63);
    expect(std).toBeCloseTo(5.2404124, 5);
  });

  it('combines to the reference numbers with CFG off', () => {
    [2.5617234, 2.1032896, 1.6316306, 1.1591407].forEach((value, i) => expect(combine(1, 3)[i]).toBeCloseTo(value, 5));
  });

  it('is the formula, for several images', () => {
    const shape = { rows: 3, images: 2, elements: 5, depth: 4 };
    const arrays = stepArrays(shape);
    const weights = [
      [-2, 3, 0],
      [-2, 6, -3],
    ];
    const got = guidedStepOnCpu(shape, arrays, weights, EVERY_FACTOR);
    let clamped = 0;
    for (let image = 0; image < 2; image += 1) {
      for (let i = 0; i < 5; i += 1) {
        const at = image * 5 + i;
        const [x, z] = [arrays.latents[at]!, arrays.noise[at]!];
        const past = [0, 1, 2, 3].map((k) => arrays.history[k * 10 + at]!) as [number, number, number, number];
        const p = [0, 1, 2].reduce((sum, r) => sum + weights[image]![r]! * arrays.predictions[r * 5 + i]!, 0);
        const estimate = 0.8 * x - 0.6 * p;
        const d = estimate > 1.5 ? 1.5 : estimate < -1.5 ? -1.5 : estimate;
        clamped += Number(d !== estimate);
        expect(got.denoised[at]).toBe(Math.fround(d));
        expect(got.latents[at]).toBeCloseTo(
          0.3 * x + 0.2 * p + 0.9 * d + 0.4 * z - 0.25 * past[0] + 0.5 * past[1] + 0.125 * past[2] - 0.75 * past[3],
          5,
        );
        expect(got.history[at]).toBeCloseTo(0.6 * x - 0.7 * p + 0.45 * d + 0.35 * z, 5);
        expect([1, 2, 3].map((k) => got.history[k * 10 + at])).toEqual(past.slice(0, 3));
      }
    }
    expect(clamped).toBeGreaterThan(0);
    expect(clamped).toBeLessThan(10);
  });

  it('reads nothing whose factor is 0, and refuses what is missing', () => {
    const shape = { rows: 2, images: 1, elements: 3, depth: 4 };
    const arrays = {
      ...stepArrays(shape),
      history: new Float32Array(12).fill(NaN),
      noise: new Float32Array(3).fill(NaN),
    };
    arrays.predictions.fill(NaN, 3);
    expect(guidedStepOnCpu(shape, arrays, [[1, 0]], COMBINE_ONLY).latents).toEqual(arrays.predictions.slice(0, 3));
    expect(() => guidedStepOnCpu(shape, { ...arrays, noise: null }, [[1, 0]], EVERY_FACTOR)).toThrow(/noise/);
    const keepsNoise = { ...COMBINE_ONLY, keep: { noise: 1 } };
    expect(() => guidedStepOnCpu(shape, { ...arrays, noise: null }, [[1, 0]], keepsNoise)).toThrow(/noise/);
    expect(() => guidedStepOnCpu({ ...shape, depth: 3 }, arrays, [[1, 0]], EVERY_FACTOR)).toThrow(
      /reads a history of 4, 3 is kept/,
    );
    expect(() => guidedStepOnCpu({ ...shape, depth: 5 }, arrays, [[1, 0]], EVERY_FACTOR)).toThrow(/history of 5/);
    expect(() => guidedStepOnCpu({ ...shape, depth: 0 }, arrays, [[1, 0]], COMBINE_ONLY)).toThrow(/history of 0/);
    expect(() => guidedStepOnCpu(shape, arrays, [[1]], COMBINE_ONLY)).toThrow(/weights/);
  });
});
