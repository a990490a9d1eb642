// The verdict, from figures of Stable Diffusion 1.5: its largest f32 buffers follow from its configs.

import { expect, it } from 'vitest';
import { largestBuffer, preflight, sizeText, type Capacity } from './preflight';

const configs = {
  unetConfig: { sample_size: 64, block_out_channels: [320, 640, 1280, 1280] },
  textConfig: { vocab_size: 49408, hidden_size: 768 },
};
const sd15 = { ...configs, bytes: 2.1e9, paths: ['unet/model.onnx'] };
const gpu = (megabytes: number, f16 = true): Capacity['device'] => ({ backend: 'webgpu', f16, limits: { maxBufferSize: megabytes * 2 ** 20, maxStorageBufferBindingSize: megabytes * 2 ** 20 } });
const verdict = (device: Capacity['device'], freeBytes: number | null = null, weights = sd15) => preflight(weights, { device, freeBytes });

it('finds the largest buffer: the feature map of the VAE, else the embedding', () => {
  expect(largestBuffer(configs, 4)).toEqual({ what: 'The VAE decoder', bytes: 512 * 512 * 256 * 4 });
  expect(largestBuffer({ ...configs, unetConfig: {} }, 4)).toEqual({ what: 'The text encoder', bytes: 49408 * 768 * 4 });
  expect(largestBuffer({ unetConfig: { sample_size: 'large' }, textConfig: {} }, 4)).toBeNull();
});

it('fits a GPU whose buffers hold that, exactly', () => {
  expect(verdict(gpu(256)).level).toBe('fits');
  expect(verdict(gpu(255)).level).toBe('doubtful');
});

it('wants f16 for weights in half precision', () => {
  const half = { ...sd15, paths: ['unet/model_fp16.onnx'] };
  expect(verdict(gpu(512, true), null, half).level).toBe('fits');
  expect(verdict(gpu(512, false), null, half).reasons.join()).toContain('half precision');
});

it('refuses what the disk or 32-bit WebAssembly cannot hold', () => {
  expect(verdict(gpu(512), 2.0e9)).toMatchObject({ level: 'no' });
  expect(verdict(gpu(512), 2.2e9).level).toBe('fits');
  const cpu = { backend: 'wasm', f16: false, limits: null } as const;
  expect(verdict(cpu).level).toBe('doubtful');
  expect(verdict(cpu, null, { ...sd15, bytes: 5e9 }).level).toBe('no');
});

it.each([[999, '1 kB'], [4.94e6, '4.9 MB'], [99.4e6, '99 MB'], [1.73e9, '1.7 GB']])('%d bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
