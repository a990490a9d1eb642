// Every kind of bad model and layer set: a clear error, nothing lost, and the next Generate runs.

import { expect, test } from '@playwright/test';
import { htmlInsteadOfModel, truncated, withNaNBias, withUnknownOperator } from '../fixtures/models/broken';
import { button, generate, setNumber } from './support/page';
import { serveTinyModel, type FileChange } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

const BAD: readonly (readonly [string, FileChange, RegExp])[] = [
  ['missing', () => 'missing', /could not be fetched/],
  ['truncated', (model) => truncated(model), /not a complete ONNX file/],
  ['not ONNX', htmlInsteadOfModel, /not a complete ONNX file/],
  ['made of an unknown operator', withUnknownOperator, /cannot run unet\/model.onnx/],
  ['full of NaN', withNaNBias, /NaN/],
];

for (const [name, change, message] of BAD) {
  test(`a UNet that is ${name}`, async ({ page }) => {
    await serveTinyModel(page, { changes: { 'unet/model.onnx': change } });
    await page.goto('/');
    await setNumber(page, 'Steps', '2');
    await button(page, 'Generate').click();
    await expect(page.getByRole('alert')).toContainText(message);
    await expect(button(page, 'Generate')).toBeEnabled();
    await serveTinyModel(page);
    await generate(page);
    await expect(page.getByRole('alert')).toHaveCount(0);
  });
}

test('layers that match nothing name the sites that exist, and one click takes one', async ({ page }) => {
  await serveTinyModel(page);
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
  await serveTinyModel(page);
  await page.goto('/');
  await setNumber(page, 'Steps', '2');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('');
  await generate(page);
});
