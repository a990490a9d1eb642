// A checkpoint whose VAE overflows f16, as SDXL's does, on a device that computes in f16: it is built of the same file
// in f32, once, and decodes again; and that is said.

import { openAsBlob } from 'node:fs';
import { expect, test } from 'vitest';
import { wholeFile } from '../../fixtures/checkpoints/pipelines';
import { data } from '../../fixtures/checkpoints/golden';
import { readHeader } from '../checkpoints/safetensors';
import { float16ToFloat32, float32ToFloat16 } from '../kernels/float16';
import { describeOnDawn } from '../kernels/testing/dawn';
import { checkpointFiles } from './checkpointFiles';
import type { Backend } from './backend';
import { CpuBackend } from './cpuBackend';
import { closeModel, openModel } from './diffusionModel';
import { GpuBackend } from './gpuBackend';
import { loadNodeGpuRuntime, loadNodeRuntime } from './testing/nodeRuntime';

const SHAPE = [1, 4, 4, 4];
const latents = data('latents', SHAPE).map((value) => 4 * value);

/** Stable Diffusion 1 in small, with the numbers behind its decoder's first layer multiplied. */
async function checkpoint(factor: number): Promise<File> {
  const file = wholeFile('sd1', 'F16');
  const bytes = new Uint8Array(await file.arrayBuffer());
  const { tensors } = await readHeader(file);
  for (const part of ['weight', 'bias']) {
    const { offset, length } = tensors.get(`first_stage_model.decoder.conv_in.${part}`)!;
    const numbers = float16ToFloat32(new Uint16Array(bytes.slice(offset, offset + length).buffer));
    bytes.set(new Uint8Array(float32ToFloat16(numbers.map((value) => value * factor)).buffer), offset);
  }
  return new File([bytes], 'some.safetensors');
}

describeOnDawn('a checkpoint’s VAE', (gpu) => {
  if (!gpu.f16) {
    test.skip('SKIPPED: no f16', () => undefined);
    return;
  }

  test('that overflows f16 decodes in f32, and says so once', async () => {
    const file = await checkpoint(4096);
    const said: string[] = [];
    const open = async (backend: Backend) => {
      const files = await checkpointFiles({ file, clipUrl: '' }, undefined, () => openAsBlob('public/clip/merges.txt'));
      const run = { compare: true, guidanceScale: 3, pagScale: 3, width: 0, height: 0 };
      return openModel(backend, files, 'some', { run, weigh: () => {}, notice: (sentence) => said.push(sentence) });
    };
    /** The picture, twice. */
    const decoded = async (backend: Backend) => {
      const model = await open(backend);
      const onDevice = backend.upload('float32', SHAPE, latents);
      const [first, second] = [await model.vaeDecoder.decode(onDevice, 0), await model.vaeDecoder.decode(onDevice, 0)];
      onDevice.dispose();
      await closeModel(model);
      return [first.rgba, second.rgba] as const;
    };
    const [first, second] = await decoded(
      new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false }),
    );
    expect(said).toEqual(['This model’s VAE overflows in half precision, so Pagoda runs it in full precision.']);
    expect(second).toEqual(first);
    const [onCpu] = await decoded(new CpuBackend(await loadNodeRuntime()));
    expect(said).toHaveLength(1);
    expect(first.reduce((worst, value, at) => Math.max(worst, Math.abs(value - onCpu[at]!)), 0)).toBeLessThanOrEqual(1);
    expect(new Set(first).size).toBeGreaterThan(8);
  });
});
