// A VAE's decoder in tiles on a GPU gives what it gives whole there, in f32 and in f16.

import { expect, test } from 'vitest';
import { golden, storedWeights } from '../../fixtures/checkpoints/networks';
import { vaeDecoder } from '../checkpoints/networks/vae';
import { describeOnDawn } from '../kernels/testing/dawn';
import { FLOAT, FLOAT16 } from '../onnx/file/model';
import { elements } from './backend';
import { NEVER } from './checkpoint';
import { GpuBackend } from './gpuBackend';
import { OnnxFile } from './onnxFile';
import { PictureDecoder } from './pictureDecoder';
import { loadNodeGpuRuntime } from './testing/nodeRuntime';
import { TiledGraph, tiledPlans } from './tiledGraph';
import { decoderDims, latentsInput } from './vaeDecoder';

const SHAPE = [1, 4, 9, 7] as const;
/** Of a picture in −1 … 1: f16 has 11 bits, and each norm and convolution rounds. */
const BOUNDS = { float32: 1e-4, float16: 2e-2 } as const;

describeOnDawn('a decoder in tiles', (gpu) => {
  for (const type of ['float32', 'float16'] as const) {
    if (type === 'float16' && !gpu.f16) {
      test.skip('SKIPPED: no f16', () => undefined);
      continue;
    }
    test(`is what it is whole, ${type}`, async () => {
      const backend = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false });
      const { weight, openFile } = storedWeights('kl');
      const model = vaeDecoder(golden.vaes.kl.config, {
        weight,
        type: type === 'float16' ? FLOAT16 : FLOAT,
        splitsGelu: false,
      });
      const file = OnnxFile.built(model, 'kl', { device: backend, openFile });
      const input = latentsInput(file);
      const values = Float32Array.from({ length: elements(SHAPE) }, (_, at) => Math.sin(at * (1 + 0.01 * at)));
      const latents = backend.upload(type, SHAPE, values);
      const notices = { onWrongReplay: () => {}, onTooShort: () => {} };
      const decoder = await PictureDecoder.open(backend, file, input, notices);
      const whole = await decoder.run(latents, NEVER);
      await decoder.dispose();
      const [plan] = tiledPlans(file, 'sample', decoderDims(input, [4, 9, 7]));
      const tiled = new TiledGraph(backend, file, plan!, 16_000);
      const made = await tiled.run({ [input.name]: latents }, NEVER);
      await tiled.dispose();
      latents.dispose();
      expect([whole.tiles, made.tiles > 3]).toEqual([1, true]);
      expect(made.dims).toEqual(whole.dims);
      const worst = made.values.reduce((most, value, at) => Math.max(most, Math.abs(value - whole.values[at]!)), 0);
      expect(worst).toBeLessThan(BOUNDS[type]);
      expect(new Set(made.values).size).toBeGreaterThan(1000);
    });
  }
});
