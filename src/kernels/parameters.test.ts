// What the kernels' parameters write at word offsets lies where the WGSL struct of each has its fields.

import { expect, test, vi } from 'vitest';
import { makeShaderDataDefinitions, makeStructuredView } from 'webgpu-utils';
import { attentionParameters } from './attention';
import attention from './attention.wgsl?raw';
import { guidedStepParameters } from './guidedStep';
import guidedStep from './guidedStep.wgsl?raw';
import { maskBlendParameters } from './maskBlend';
import maskBlend from './maskBlend.wgsl?raw';
import { modelInputParameters } from './modelInput';
import modelInput from './modelInput.wgsl?raw';
import { rescaledGuidanceParameters } from './rescaledGuidance';
import rescaledGuidance from './rescaledGuidance.wgsl?raw';

// webgpu-utils lists the entry points' bindings with it; Node has none.
vi.stubGlobal('GPUShaderStage', { VERTEX: 1, FRAGMENT: 2, COMPUTE: 4 });

/** The fields of `Params` as the shader reads them: numbers, arrays of numbers, arrays of structs. */
function asRead(body: string, words: Uint32Array): unknown {
  const { params } = makeShaderDataDefinitions(`alias elem = f32;\n${body}`).storages;
  if (!params) throw new Error('The shader has no storage buffer called params.');
  const plain = (view: unknown): unknown => {
    if (ArrayBuffer.isView(view)) {
      const numbers = [...(view as Float32Array)];
      return numbers.length === 1 ? numbers[0] : numbers;
    }
    if (Array.isArray(view)) return view.map(plain);
    return Object.fromEntries(Object.entries(view as object).map(([name, field]) => [name, plain(field)]));
  };
  return plain(makeStructuredView(params, words.buffer as ArrayBuffer).views);
}

test('attention', () => {
  const shape = { sourceRows: 9, tokens: 2, heads: 3, headDim: 16, scale: Math.LN2 * 5 };
  const rows = [
    { source: 6, identity: 0.25 },
    { source: 7, identity: 0.75 },
  ];
  expect(asRead(attention, attentionParameters(shape, rows))).toEqual({
    tokens: 2,
    heads: 3,
    headVecs: 4,
    scale: 5,
    rows,
  });
});

test('guidedStep', () => {
  const coefficients = {
    step: 0,
    timestep: 0,
    inputScale: 1,
    sigma: 1,
    denoised: { sample: 5, prediction: 6 },
    clip: 7,
    next: { sample: 8, prediction: 9, denoised: 10, noise: 11, history: [12, 13, 14] },
    keep: { sample: 15, prediction: 16, denoised: 17, noise: 18 },
  };
  const weights = [
    [19, 20, 21],
    [22, 23, 24],
  ];
  const shape = { elements: 1, rows: 3, images: 2, depth: 4 };
  expect(asRead(guidedStep, guidedStepParameters(shape, weights, coefficients))).toEqual({
    ...shape,
    estimate: [5, 6],
    clip: 7,
    padding: 0,
    next: [8, 9, 10, 11],
    keep: [15, 16, 17, 18],
    historyFactors: [12, 13, 14, 0],
    weights: [19, 20, 21, 22, 23, 24],
  });
});

test('modelInput', () => {
  const words = modelInputParameters({ images: 9, elements: 1, besideElements: 2 }, [5, 6, 7], 3, 4);
  expect(asRead(modelInput, words)).toEqual({
    rowElements: 1,
    rows: 3,
    scale: 3,
    shift: 4,
    besideElements: 2,
    images: [5, 6, 7],
  });
});

test('maskBlend', () => {
  const words = maskBlendParameters({ images: 9, elements: 1, plane: 2 }, { sample: 3, noise: 4 });
  expect(asRead(maskBlend, words)).toEqual({ elements: 1, plane: 2, sample: 3, noise: 4 });
});

test('rescaledGuidance', () => {
  const images = [
    { uncond: 9, cond: 10, perturbed: 11, guidanceScale: 12, pagScale: 13 },
    { uncond: 14, cond: 15, perturbed: 16, guidanceScale: 17, pagScale: 18 },
  ];
  const guidance = { rescale: { mode: 'partial', amount: 6 }, guidanceRescale: 7 } as const;
  const shape = { rows: 20, channels: 1, height: 3, width: 4 };
  const words = rescaledGuidanceParameters(shape, images, guidance, { sample: 5, prediction: 8 });
  expect(asRead(rescaledGuidance, words)).toEqual({
    channels: 1,
    height: 3,
    width: 4,
    mode: 2,
    sample: 5,
    prediction: 8,
    amount: 6,
    guidanceRescale: 7,
    images: images.map((image) => ({ ...image, padding: 0, paddingEnd: [0, 0] })),
  });
});
