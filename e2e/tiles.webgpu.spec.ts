// A GPU whose buffers hold the UNet and not the last maps of the VAE's decoder: the picture is made in tiles, it is
// said, and it is the picture that a GPU with larger buffers makes.

import { expect, test, type Page } from '@playwright/test';
import { engineWorker, limitBuffers, prependToEngine } from './support/engineWorker';
import { generate, openWith, picture, pixels } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

/** Bytes: more than three rows of the UNet need at once (197 kB), less than a map of 32 × 64 × 64 values. */
const LIMIT = 2 ** 18;

/** Keeps the bytes of the largest buffer on `self.__largest`. */
const LARGEST_BUFFER = `{
  self.__largest = 0;
  const create = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    self.__largest = Math.max(self.__largest, descriptor.size);
    return create.call(this, descriptor);
  };
}`;

async function made(page: Page, snippets: readonly string[]): Promise<{ pixels: number[]; largest: number }> {
  await prependToEngine(page, [LARGEST_BUFFER, ...snippets].join('\n'));
  await serveTinyModel(page, { model: 'tiny-wide' });
  await openWith(page, { layers: 'mid', steps: 1, compare: false });
  await generate(page);
  const largest = await (await engineWorker(page)).evaluate(() => (self as unknown as { __largest: number }).__largest);
  return { pixels: await pixels(picture(page, 'With PAG')), largest };
}

test('a picture whose decoding needs larger buffers than the GPU grants is decoded in tiles', async ({
  page,
  context,
}) => {
  const roomy = await context.newPage();
  const whole = await made(roomy, []);
  await expect(roomy.getByRole('status')).not.toContainText('tiles');
  expect(whole.largest).toBeGreaterThan(LIMIT);
  await roomy.close();
  const tiled = await made(page, [limitBuffers({ maxBufferSize: LIMIT, maxStorageBufferBindingSize: LIMIT })]);
  await expect(page.getByRole('status')).toContainText(/WebGPU.*Done in .*, decoded in \d+ tiles/);
  await expect(page.getByLabel('Verdict')).toContainText('Fits this device');
  expect(tiled.largest).toBeLessThanOrEqual(LIMIT);
  expect(tiled.pixels).toHaveLength(4 * 64 * 64);
  expect(new Set(tiled.pixels).size).toBeGreaterThan(50);
  const apart = tiled.pixels.map((level, at) => Math.abs(level - whole.pixels[at]!));
  // Rounding, of a level of 255.
  expect(Math.max(...apart)).toBeLessThanOrEqual(1);
});
