// Every kind of bad model and layer set: a clear error, nothing lost, and the next Generate runs.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('a folder with configs of the wrong shape: the page stays, and says which file and what', async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), 'pagoda-bad-'));
  const open = () => page.locator('input[type=file][webkitdirectory]').setInputFiles(folder);
  const error = page.getByRole('region', { name: 'From a folder' }).getByRole('alert');
  try {
    cpSync('fixtures/models/tiny', folder, { recursive: true });
    await serveTinyModel(page);
    await page.goto('/');
    await setNumber(page, 'Steps', '2');
    await button(page, 'Model: Pocket (built in). Change').click();
    writeFileSync(join(folder, 'unet/config.json'), 'null');
    await open();
    await expect(error).toContainText('unet/config.json of the model cannot be used: it must be an object, not null.');
    writeFileSync(join(folder, 'unet/config.json'), JSON.stringify({ sample_size: '8', block_out_channels: new Array(30_000).fill(1) }));
    await open();
    await expect(error).toContainText('block_out_channels has 30000 entries');
    // What only the engine reads is said by it, and numbers in quotes are numbers.
    writeFileSync(join(folder, 'unet/config.json'), JSON.stringify({ sample_size: '8', in_channels: '4' }));
    writeFileSync(join(folder, 'vae_decoder/config.json'), '[]');
    await open();
    await expect(page.getByRole('alert')).toContainText('vae_decoder/config.json of the model cannot be used: it must be an object');
    writeFileSync(join(folder, 'vae_decoder/config.json'), '{"scaling_factor": "0.18215"}');
    await page.getByRole('button', { name: /^Model: .* Change$/ }).click();
    await open();
    await generate(page);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an empty prompt is allowed', async ({ page }) => {
  await serveTinyModel(page);
  await page.goto('/');
  await setNumber(page, 'Steps', '2');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('');
  await generate(page);
});
