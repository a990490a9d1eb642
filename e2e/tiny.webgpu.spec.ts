// The tiny model on real WebGPU (SwiftShader): a comparison, cancel, the slider, a saved PNG, a device that goes away,
// one that falls silent.
// All on one page, where shaders stay compiled: that takes SwiftShader most of its time, and each step seconds.

import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import {
  aliveOnGpu,
  CAPTURE_DEVICE,
  COUNT_ALIVE,
  loseDevice,
  MAY_FALL_SILENT,
  prependToEngine,
  silenceGpu,
} from './support/engineWorker';
import { COUNT_COMMANDS, commandsSince } from './support/gpuCommands';
import { button, generate, meanDifference, number, openWith, picture, pixels, setNumber } from './support/page';
import { serveTinyModel } from './support/tinyModel';

/** Of a step of the tiny model's pair, from 3 rows and from 5, with half of a decoding of both. */
const MOST_DISPATCHES = 378;

let page: Page;

test.beforeAll(async ({ browser, baseURL }) => {
  page = await browser.newPage({ serviceWorkers: 'block', baseURL: baseURL! });
  await prependToEngine(page, [CAPTURE_DEVICE, COUNT_COMMANDS, COUNT_ALIVE, MAY_FALL_SILENT].join('\n'));
  await serveTinyModel(page, { model: 'tiny-flat' });
  await openWith(page, { layers: 'mid' });
});
test.beforeEach(async () => {
  await setNumber(page, 'Steps', '1');
  await setNumber(page, 'PAG scale', '8');
});
test.afterAll(() => page.close());

test('a comparison: two pictures that differ, the device named, a PNG saved', async () => {
  await generate(page);
  await expect(page.getByRole('status')).toContainText('WebGPU');
  const without = await pixels(picture(page, 'Without PAG'));
  const withPag = await pixels(picture(page, 'With PAG'));
  expect(meanDifference(without, withPag)).toBeGreaterThan(1);
  const saved = page.waitForEvent('download');
  await button(page, 'Save PNG').click();
  const file = await (await saved).path();
  expect(readFileSync(file).subarray(0, 8)).toEqual(Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]));
});

test('cancel stops a run, and the next one works', async () => {
  await setNumber(page, 'Steps', '100');
  await button(page, 'Generate').click();
  await expect(page.getByRole('status')).toContainText(/Step \d+ of 100/);
  await button(page, 'Cancel').click();
  await expect(page.getByRole('status')).toContainText('Cancelled');
  await setNumber(page, 'Steps', '1');
  await generate(page);
});

test('the slider changes the next picture; at 0 both are the same', async () => {
  await generate(page);
  const before = await pixels(picture(page, 'With PAG'));
  await page.getByRole('slider', { name: 'PAG scale' }).fill('0');
  await generate(page);
  const off = await pixels(picture(page, 'With PAG'));
  expect(meanDifference(before, off)).toBeGreaterThan(1);
  expect(off).toEqual(await pixels(picture(page, 'Without PAG')));
});

// What a driver costs for each of these is what a fast GPU waits for. `npm run bench:page` has the built-in model's.
test('a warm step, with previews and decoding, makes next to nothing on the GPU and leaves nothing', async () => {
  await setNumber(page, 'Steps', '2');
  await generate(page);
  await commandsSince(page);
  const alive = await aliveOnGpu(page);
  // Nothing is kept of another seed.
  await setNumber(page, 'Seed', '77');
  await generate(page);
  const { writes, buffers, dispatches, ...of } = await commandsSince(page);
  expect((writes + buffers + of['bind groups']) / 2).toBeLessThanOrEqual(20);
  expect(dispatches / 2).toBeLessThanOrEqual(MOST_DISPATCHES);
  expect(dispatches).toBeGreaterThan(0);
  expect(await aliveOnGpu(page)).toEqual(alive);
  expect(alive.buffers).toBeGreaterThan(0);
});

// Behind it all is compiled anew.
test('a device that goes away in a run; the next run takes another', async () => {
  await setNumber(page, 'Steps', '100');
  await button(page, 'Generate').click();
  await expect(page.getByRole('status')).toContainText(/Step \d+ of 100/);
  await loseDevice(page);
  await expect(page.getByRole('alert')).toContainText('The GPU went away');
  await page.getByRole('switch', { name: 'Compare' }).uncheck();
  await setNumber(page, 'Steps', '1');
  await generate(page);
});

test('a GPU that falls silent: it is said, Cancel ends the run, picture and settings stay, the CPU runs', async () => {
  const before = await pixels(picture(page, 'With PAG'));
  await setNumber(page, 'Steps', '100');
  await button(page, 'Generate').click();
  await expect(page.getByRole('status')).toContainText(/Step \d+ of 100/);
  await silenceGpu(page);
  await expect(page.getByRole('status')).toContainText(/the GPU does not answer: waits for .*\. Cancel/);
  await button(page, 'Cancel').click();
  await expect(page.getByRole('status')).toContainText('Cancelled');
  expect(await pixels(picture(page, 'With PAG'))).toEqual(before);
  await expect(number(page, 'Steps')).toHaveValue('100');
  await page.locator('summary').filter({ hasText: 'Device' }).click();
  await page.getByRole('combobox', { name: 'Run on' }).selectOption('wasm');
  await setNumber(page, 'Steps', '1');
  await generate(page);
  await expect(page.getByRole('status')).toContainText('CPU');
});
