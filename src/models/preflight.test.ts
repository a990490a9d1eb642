// The verdict: each sentence at its limit, and estimates from figures of Stable Diffusion 1.5, whose largest f32
// buffers follow from its configs.

import { expect, it } from 'vitest';
import { NO_GLANCE, configBuffers, estimateNeeds, type Weights } from './estimate';
import { imagesAtOnce, needsText, preflight, refusalText, sizeText, type Capacity, type Needs } from './preflight';

const unetConfig = { sample_size: 64, block_out_channels: [320, 640, 1280, 1280] };
const sd15: Weights = { unetConfig, bytes: 2.1e9, paths: ['unet/model.onnx'], graph: NO_GLANCE };
const MB = 2 ** 20;
const gpu = (megabytes: number, f16 = true, bindable = megabytes): Capacity['device'] => ({
  backend: 'webgpu',
  f16,
  limits: { maxBufferSize: megabytes * MB, maxStorageBufferBindingSize: bindable * MB },
});
const cpu = { backend: 'wasm', f16: false, limits: null } as const;
const needs: Needs = {
  weightBytes: 4e8,
  residentBytes: 4e8,
  buffers: [{ what: 'The UNet', bytes: 200 * MB }],
  inescapable: [{ what: 'The UNet', bytes: 100 * MB }],
  half: false,
};
const verdict = (device: Capacity['device'], changes: Partial<Needs> = {}, more: Partial<Capacity> = {}, fetched = 0) =>
  preflight({ ...needs, ...changes }, { device, freeBytes: null, memoryGiB: undefined, ...more }, fetched);

it('fits a GPU whose buffers hold the largest one, exactly', () => {
  expect(verdict(gpu(200))).toEqual({ level: 'fits', reasons: [] });
  expect(verdict(gpu(199)).reasons).toEqual([
    'The UNet needs a buffer of 210 MB; this GPU allows 209 MB. It may fail; the CPU can be chosen instead.',
  ]);
  expect(verdict(gpu(400, true, 199)).level).toBe('doubtful');
});

it('refuses a GPU that cannot hold what one row needs', () => {
  expect(verdict(gpu(100)).level).toBe('doubtful');
  expect(verdict(gpu(99))).toEqual({
    level: 'no',
    reasons: ['The UNet needs a buffer of 105 MB; this GPU allows 104 MB.'],
  });
});

it('lets a decoder that is too large whole decode in tiles, and says so', () => {
  const vae = { what: 'The VAE decoder', bytes: 300 * MB, inTiles: 90 * MB };
  const buffers = [...needs.buffers, vae];
  const said = 'it decodes in tiles.';
  expect(verdict(gpu(300), { buffers }).reasons).toEqual([]);
  expect(verdict(gpu(200), { buffers, inescapable: [vae] })).toEqual({
    level: 'fits',
    reasons: [`The VAE decoder would need a buffer of 315 MB, and this GPU allows 210 MB: ${said}`],
  });
  expect(needsText({ ...needs, buffers }, gpu(200)!)).toContain('the largest buffer 210 MB');
  // Its first part is whole all the same.
  expect(verdict(gpu(89), { buffers: [vae], inescapable: [vae] }).reasons).toEqual([
    'The VAE decoder needs a buffer of 94 MB; this GPU allows 93 MB.',
  ]);
  expect(verdict(cpu, { buffers: [{ ...vae, bytes: 1024 * MB }] }).reasons).toEqual([
    `The VAE decoder would need a buffer of 1.1 GB, and on the CPU it gets 537 MB: ${said}`,
  ]);
});

it('refuses what 32-bit WebAssembly cannot hold, and doubts what leaves it no room', () => {
  expect(verdict(cpu)).toEqual({ level: 'fits', reasons: [] });
  expect(verdict(cpu, { weightBytes: 1e9, residentBytes: 1e9 })).toEqual({
    level: 'fits',
    reasons: ['It runs on the CPU here, which takes minutes per step for a model of this size.'],
  });
  expect(verdict(cpu, { weightBytes: 5e9, residentBytes: 3.3e9 })).toMatchObject({
    level: 'no',
    reasons: ['On the CPU 3.2 GB of weights can be in memory at most; this model needs 3.3 GB.'],
  });
  expect(verdict(cpu, { weightBytes: 3.1e9, residentBytes: 3.1e9 })).toMatchObject({
    level: 'doubtful',
    reasons: [
      expect.stringContaining('3.1 GB for weights and 210 MB at once'),
      expect.stringContaining('minutes per step'),
    ],
  });
});

it('counts the weights against the memory that the browser tells of', () => {
  expect(verdict(gpu(512), { residentBytes: 2.9e9 }, { memoryGiB: 4 }).level).toBe('fits');
  expect(verdict(gpu(512), { residentBytes: 3.3e9 }, { memoryGiB: 4 }).reasons).toEqual([
    'Its weights take 3.3 GB of memory, and the browser says that this machine has about 4 GB.',
  ]);
});

it('says what it costs to have no f16', () => {
  expect(verdict(gpu(512, true), { half: true }).level).toBe('fits');
  expect(verdict(gpu(512, false), { half: true })).toEqual({
    level: 'fits',
    reasons: [
      'This device has no f16, so the half precision model runs in f32: slower, and with 400 MB of weights in memory.',
    ],
  });
});

it('counts what is to be fetched against what may be stored', () => {
  expect(verdict(gpu(512), {}, { freeBytes: 2.0e9 }, 2.1e9).reasons).toEqual([
    'The browser grants 2.0 GB more, 2.1 GB are needed. Delete a model or free space on the disk.',
  ]);
  expect(verdict(gpu(512), {}, { freeBytes: 2.2e9 }, 2.1e9).level).toBe('fits');
});

it('says nothing against a device that is not known yet', () => {
  expect(verdict(null, { half: true, residentBytes: 9e9 }).level).toBe('fits');
});

it('estimates the largest buffer: the feature map of the VAE, else a convolution of the UNet', () => {
  const largest = (one: Partial<Weights>) =>
    Math.max(...estimateNeeds({ ...sd15, ...one }, false).buffers.map(({ bytes }) => bytes));
  expect(largest({})).toBe(512 * 512 * 256 * 4);
  expect(largest({ unetConfig: { ...unetConfig, sample_size: 8 } })).toBe(1280 * 2560 * 9 * 4);
  expect(configBuffers({ sample_size: [64] }, 4)).toEqual([]);
});

it('believes the graph rather than a name, and doubles where half precision must be widened', () => {
  const named = { ...sd15, paths: ['unet/model_fp16.onnx'] };
  expect(estimateNeeds(sd15, true).half).toBe(false);
  expect(estimateNeeds(named, true).half).toBe(true);
  expect(estimateNeeds({ ...named, graph: { half: false, largest: null } }, true).half).toBe(false);
  const half = { ...sd15, graph: { half: true, largest: 7e8 } };
  expect(estimateNeeds(half, true)).toMatchObject({ half: true, weightBytes: 2.1e9 });
  expect(estimateNeeds(half, true).buffers).toContainEqual({ what: 'The UNet', bytes: 7e8 });
  expect(estimateNeeds(half, false)).toMatchObject({ half: true, weightBytes: 4.2e9 });
  expect(estimateNeeds(half, false).buffers).toContainEqual({ what: 'The UNet', bytes: 1.4e9 });
});

it('refuses a size where a smaller one would do, else the model', () => {
  const reason = 'The UNet needs 9 GB.';
  expect(refusalText(reason, 'webgpu', true)).toBe(
    `This GPU cannot hold a picture of this size. ${reason} Choose a smaller size.`,
  );
  expect(refusalText(reason, 'wasm', false)).toBe(
    `The CPU cannot hold the model. ${reason} Choose a smaller model, or a browser with WebGPU.`,
  );
});

it('refuses on the CPU what one row of a picture needs beyond all memory', () => {
  const large = { buffers: [{ what: 'The UNet', bytes: 4e9 }], inescapable: [{ what: 'The UNet', bytes: 3.3e9 }] };
  expect(verdict(cpu, large)).toMatchObject({
    level: 'no',
    reasons: ['The UNet needs a buffer of 3.3 GB; on the CPU 3.2 GB can be in memory at most.', expect.any(String)],
  });
});

it('makes as many images at once as are held, in batches of about the same size', () => {
  const together = (images: number, each: number, device = gpu(200)) =>
    imagesAtOnce(images, (count) => ({ ...needs, buffers: [{ what: 'The UNet', bytes: each * MB * count }] }), {
      device,
      freeBytes: null,
      memoryGiB: undefined,
    });
  expect(together(8, 200 / 8)).toBe(8);
  expect(together(8, 200 / 7)).toBe(4);
  expect(together(8, 200 / 3)).toBe(3);
  expect([together(2, 101), together(2, 201), together(1, 1)]).toEqual([1, 1, 1]);
  // Of what there is beside the largest buffer no device tells.
  expect([together(4, 64, gpu(4000)), together(4, 65, gpu(4000)), together(4, 65, null)]).toEqual([4, 2, 2]);
});

it('gives its figures', () => {
  expect(needsText(needs, gpu(512)!)).toBe('400 MB of weights, the largest buffer 210 MB, f32');
  expect(needsText({ ...needs, buffers: [], half: true }, gpu(512)!)).toBe('400 MB of weights, f16');
});

it.each([
  [999, '1 kB'],
  [4.94e6, '4.9 MB'],
  [99.4e6, '99 MB'],
  [1.73e9, '1.7 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
