// Faults of the device: each a typed error with a remedy, and the next Generate runs.

import { expect, test } from '@playwright/test';
import { injectIntoWorker, serveModel } from '../support/faults';
import { button, generate, setNumber } from '../support/page';

test.use({ serviceWorkers: 'block' });

test('a lost device', async ({ page }) => {
  await injectIntoWorker(page, `const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (options) { return (self.testDevice = await request.call(this, options)); }`);
  await serveModel(page, 'tiny');
  await page.goto('/');
  await setNumber(page, 'Steps', '100');
  await button(page, 'Generate').click();
  await expect(page.getByRole('status')).toContainText(/Step \d+ of 100/);
  const [worker] = page.workers();
  await worker?.evaluate(() => (self as unknown as { testDevice: GPUDevice }).testDevice.destroy());
  await expect(page.getByRole('alert')).toContainText('The GPU went away');
  await setNumber(page, 'Steps', '2');
  await generate(page);
});

test('a shader that does not compile; the CPU is offered and works', async ({ page }) => {
  await injectIntoWorker(page, `const create = GPUDevice.prototype.createShaderModule;
    GPUDevice.prototype.createShaderModule = function (options) {
      return create.call(this, options.label === 'attention' ? { ...options, code: options.code + '\\nnonsense' } : options); }`);
  await serveModel(page, 'tiny');
  await page.goto('/');
  await setNumber(page, 'Steps', '2');
  await button(page, 'Generate').click();
  await expect(page.getByRole('alert')).toContainText('attention');
  await page.getByRole('button', { name: 'Use the CPU instead' }).click();
  await expect(page.getByRole('status')).toContainText(/CPU.*Done in/);
});
