// Every kind of bad model and layer set: a clear error, nothing lost, and the next Generate runs.

import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { htmlInsteadOfModel, truncated, withNaNBias, withUnknownOperator } from '../../fixtures/models/broken';
import { serveModel } from '../support/faults';
import { button, generate, setNumber } from '../support/page';

test.use({ serviceWorkers: 'block' });

const unet = readFileSync('fixtures/models/tiny/unet/model.onnx');

const BAD: readonly (readonly [string, Buffer | null, RegExp])[] = [
  ['missing', null, /could not be fetched/],
  ['truncated', Buffer.from(truncated(unet)), /not a complete ONNX file/],
  ['not ONNX', Buffer.from(htmlInsteadOfModel()), /not a complete ONNX file/],
  ['made of an unknown operator', Buffer.from(withUnknownOperator(unet)), /cannot run unet\/model.onnx/],
  ['full of NaN', Buffer.from(withNaNBias(unet)), /NaN/],
];

async function mend(page: Page): Promise<void> {
  await page.unroute('**/models/pocket/**');
  await serveModel(page, 'tiny');
}

for (const [name, bytes, message] of BAD) {
  test(`a UNet that is ${name}`, async ({ page }) => {
    await serveModel(page, 'tiny', { 'unet/model.onnx': bytes });
    await page.goto('/');
    await setNumber(page, 'Steps', '2');
    await button(page, 'Generate').click();
    await expect(page.getByRole('alert')).toContainText(message);
    await expect(button(page, 'Generate')).toBeEnabled();
    await mend(page);
    await generate(page);
    await expect(page.getByRole('alert')).toHaveCount(0);
  });
}

test('layers that match nothing name the sites that exist, and one click takes one', async ({ page }) => {
  await serveModel(page, 'tiny');
  await page.goto('/');
  await setNumber(page, 'Steps', '2');
  await page.getByRole('combobox', { name: 'Layers' }).fill('d7');
  await button(page, 'Generate').click();
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('d7');
  await alert.getByRole('button', { name: 'm0', exact: true }).click();
  await expect(page.getByRole('combobox', { name: 'Layers' })).toHaveValue('m0');
  await generate(page);
});

test('an empty prompt is allowed', async ({ page }) => {
  await serveModel(page, 'tiny');
  await page.goto('/');
  await setNumber(page, 'Steps', '2');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('');
  await generate(page);
});
