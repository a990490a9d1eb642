// What is loaded before anything runs: one bar over all of it, and every way in which it can fail or be ended.

import { expect, test } from '@playwright/test';
import type { LoadingEvent } from '../src/protocol/events';
import { POCKET } from '../src/models/catalog';
import { RECORD_EVENTS, engineWorker, prependToEngine } from './support/engineWorker';
import { button, generate, openWith } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

const QUICK = { steps: 2, layers: 'mid', compare: false };
const WASM = /\.wasm$/;

test('one bar over the bytes of ONNX Runtime and of the model, whose whole is known from the first', async ({
  page,
}) => {
  await prependToEngine(page, RECORD_EVENTS);
  await openWith(page, QUICK);
  await generate(page);
  const worker = await engineWorker(page);
  const events = await worker.evaluate(() => (self as unknown as { __loading: LoadingEvent[] }).__loading);
  const model = Object.values(POCKET.bytes).reduce((sum, bytes) => sum + bytes, 0);
  const [total, ...others] = new Set(events.map(({ totalBytes }) => totalBytes));
  expect(others).toEqual([]);
  expect(total).toBeGreaterThan(model + 14e6);
  const loaded = events.map(({ loadedBytes }) => loadedBytes);
  expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
  expect([loaded[0], loaded.at(-1)]).toEqual([0, total]);
  expect([...new Set(events.map(({ what }) => what))]).toEqual([
    'Loading ONNX Runtime',
    'Loading the model',
    'Preparing the model',
  ]);
});

test("ONNX Runtime's binary does not come: an error of its own, and Try again fetches it", async ({ page }) => {
  let refusals = Infinity;
  let asked = 0;
  await page.route(WASM, async (route) => {
    asked += 1;
    refusals -= 1;
    await (refusals >= 0 ? route.abort() : route.continue());
  });
  await serveTinyModel(page);
  await openWith(page, QUICK);
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('ONNX Runtime could not be fetched. Check the connection and try again.');
  expect(asked).toBeGreaterThan(1);
  refusals = 1; // and a single failure is not even seen
  asked = 0;
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('status')).toContainText('Done in');
  expect(asked).toBe(2);
});

for (const [what, script] of [
  ['the binary', WASM],
  ['the glue', /\/ort-wasm[^/]*\.mjs/],
  ['the engine', /\/worker-[^/]*\.js/],
] as const) {
  test(`${what} of this version is gone: a reload is offered, and helps`, async ({ page }) => {
    await page.route(script, (route) =>
      route.fulfill({ status: 404, contentType: 'text/html', body: '<!doctype html>' }),
    );
    await serveTinyModel(page);
    await openWith(page, QUICK);
    const alert = page.getByRole('alert');
    await expect(alert).toContainText('Pagoda has been updated');
    await page.unroute(script);
    await alert.getByRole('button', { name: 'Reload the page' }).click();
    await expect(page.getByRole('alert')).toHaveCount(0);
    await generate(page);
  });
}

test('Cancel is heard while a file does not come, and what has come is not asked for again', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await serveTinyModel(page);
  await page.route('**/unet/model.onnx', () => {}); // never answered
  await openWith(page, QUICK);
  const heldBack = () => asked.filter((path) => path.endsWith('/unet/model.onnx')).length;
  await expect.poll(heldBack).toBe(1);
  // Generate goes on with the load that is under way.
  await button(page, 'Generate').click();
  await expect(page.getByRole('status')).toContainText('Loading the model');
  await button(page, 'Cancel').click();
  await expect(page.getByRole('status')).toContainText('Cancelled');
  expect(heldBack()).toBe(1);
  await page.unroute('**/unet/model.onnx');
  await generate(page);
  expect(asked.filter((path) => path.endsWith('/vae_decoder/model.onnx'))).toHaveLength(1);
});
