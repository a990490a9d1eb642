// A run with a mask and a UNet that reads it, recorded and replayed on Dawn in Node, as the CPU makes it: nine channels
// go through the first convolution (`onnx/passes/padChannels`). What is blended in behind a step is held to the CPU in
// backends.dawn.test.ts.

import { openAsBlob } from 'node:fs';
import { expect, test } from 'vitest';
import { inpaintingFile, maskOf } from '../../fixtures/inpaint/inpaint';
import { startPicture, startSettings } from '../../fixtures/start/start';
import { describeOnDawn } from '../kernels/testing/dawn';
import { INITIAL, type Settings } from '../settings/fields';
import type { Backend } from './backend';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import { closeModel } from './diffusionModel';
import { generate } from './generate';
import { GpuBackend } from './gpuBackend';
import { loadNodeGpuRuntime, loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const settings: Settings = {
  ...INITIAL,
  ...startSettings,
  scheduler: 'euler-a',
  steps: 2,
  strength: 1,
  maskFeather: 0,
  compare: false,
  guidanceScale: 1,
  pagScale: 0,
  width: 64,
  height: 64,
};

async function run(backend: Backend, whole: Blob) {
  const source = { file: new File([whole], 'some.safetensors'), clipUrl: '' };
  const files = await checkpointFiles(source, undefined, () => openAsBlob('public/clip/merges.txt'));
  const model = await openModel(backend, files, 'some');
  const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
  const { rgb, ...size } = startPicture();
  const mask = { hash: 'hard', gray: new Blob([maskOf('hard').gray]) };
  const start = { ...size, hash: 'one', rgb: new Blob([rgb]), mask };
  const { latents } = await generate(model, settings, hooks, { start });
  await closeModel(model);
  return latents;
}

describeOnDawn('a run with a mask', (gpu) => {
  test('is that of the CPU, the rest read by the UNet', async () => {
    const options = { fusesAttention: false, captures: true };
    const inF16 = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, options);
    const onGpu = await run(Object.assign(inF16, { f16: false }), inpaintingFile('inpainting'));
    const onCpu = await run(new CpuBackend(await loadNodeRuntime()), inpaintingFile('inpainting'));
    // The first latents are 15 times as large as what is left of them.
    expect(relativeError(onGpu, onCpu)).toBeLessThan(1e-3);
  });
});
