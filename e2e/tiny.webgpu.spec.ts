// The tiny model on real WebGPU (SwiftShader): a comparison, cancel, the slider, a saved PNG, other models. All on one
// page, where shaders stay compiled: that takes SwiftShader most of its time.

import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { COUNT_ALIVE, aliveOnGpu, prependToEngine } from './support/engineWorker';
import { button, generate, meanDifference, openWith, picture, pixels, setNumber } from './support/page';
import { serveTinyModel } from './support/tinyModel';

let page: Page;

test.beforeAll(async ({ browser, baseURL }) => {
  page = await browser.newPage({ serviceWorkers: 'block', baseURL: baseURL! });
  await prependToEngine(page, COUNT_ALIVE);
  await serveTinyModel(page);
  await openWith(page, { layers: 'mid' });
});
test.beforeEach(async () => {
  await setNumber(page, 'Steps', '2');
  await setNumber(page, 'PAG scale', '3');
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
  await setNumber(page, 'Steps', '2');
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

// What is counted is exact: what one run or one switch left behind would show at once.
test('another run, and another model, leave nothing behind on the GPU', async () => {
  await setNumber(page, 'Steps', '1');
  await generate(page);
  const before = await aliveOnGpu(page);
  expect(before.buffers).toBeGreaterThan(0);
  await button(page, 'Model: Pocket (built in). Change').click();
  await page.getByLabel('Folder of a model').setInputFiles('fixtures/models/tiny');
  await expect(button(page, 'Model: tiny. Change')).toBeVisible();
  await generate(page);
  expect(await aliveOnGpu(page)).toEqual(before);
});
