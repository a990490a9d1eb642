// Clip skip, against what diffusers' pipelines encode with the same weights (fixtures/checkpoints/make_skipped.py).

import { openAsBlob, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { wholeFile } from '../../fixtures/checkpoints/pipelines';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import { closeModel } from './diffusionModel';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

test('layers are skipped as diffusers’ pipelines skip them, for the prompt alone', async () => {
  const backend = new CpuBackend(await loadNodeRuntime());
  const merges = () => openAsBlob('public/clip/merges.txt');
  const skipped = readFileSync('fixtures/checkpoints/skipped.bin');
  const prompts = { positive: 'a photo of a cat', negative: 'hello' };
  let at = 0;
  const next = (length: number) => Float32Array.from({ length }, () => skipped.readFloatLE(4 * at++));
  for (const [family, most] of [
    ['sd1', 3],
    ['sdxl', 2],
  ] as const) {
    const file = new File([wholeFile(family, 'F16')], 'some.safetensors');
    const model = await openModel(backend, await checkpointFiles({ file, clipUrl: '' }, undefined, merges), 'skip');
    expect(model.info).toMatchObject({ mostClipSkip: most, readsPenultimate: family === 'sdxl' });
    const plain = await model.prompts.encode(prompts);
    for (let clipSkip = 2; clipSkip <= most; clipSkip += 1) {
      const { cond, uncond } = await model.prompts.encode({ ...prompts, clipSkip });
      const [, width] = cond.dims;
      const first = ({ hidden }: typeof cond) => hidden.subarray(0, 7 * width);
      expect(relativeError(first(cond), next(7 * width))).toBeLessThan(1e-5);
      expect(relativeError(first(cond), first(plain.cond))).toBeGreaterThan(1e-2);
      expect(relativeError(first(uncond), next(7 * width))).toBeLessThan(1e-5);
      expect(cond.pooled).toEqual(plain.cond.pooled);
    }
    // More than there is is read as the most.
    const all = await model.prompts.encode({ ...prompts, clipSkip: 12 });
    expect(all.cond).toBe((await model.prompts.encode({ ...prompts, clipSkip: most })).cond);
    await closeModel(model);
  }
  expect(4 * at).toBe(skipped.length);
});
