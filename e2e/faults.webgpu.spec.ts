// Faults of the device: each a typed error with a remedy, and the next Generate runs.

import { expect, test } from '@playwright/test';
import { CAPTURE_DEVICE, breakShaders, loseDevice, prependToEngine } from './support/engineWorker';
import { button, generate, openWith, setNumber } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

test('a lost device', async ({ page }) => {
  await prependToEngine(page, CAPTURE_DEVICE);
  await serveTinyModel(page);
  await openWith(page, { layers: 'mid', steps: 100, compare: false });
  await button(page, 'Generate').click();
  await expect(page.getByRole('status')).toContainText(/Step \d+ of 100/);
  await loseDevice(page);
  await expect(page.getByRole('alert')).toContainText('The GPU went away');
  await setNumber(page, 'Steps', '2');
  await generate(page);
});

test('a shader that does not compile; the CPU is offered and works', async ({ page }) => {
  await prependToEngine(page, breakShaders(/^attention$/));
  await serveTinyModel(page);
  await openWith(page, { layers: 'mid', steps: 2, compare: false });
  await button(page, 'Generate').click();
  await expect(page.getByRole('alert')).toContainText('attention');
  await page.getByRole('button', { name: 'Use the CPU instead' }).click();
  await expect(page.getByRole('status')).toContainText(/CPU.*Done in/);
});
