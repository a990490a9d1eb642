// Every kind of bad model and layer set: a clear error, nothing lost, and the next Generate runs.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import {
  htmlInsteadOfModel,
  truncated,
  withNaNBias,
  withUnknownOperator,
  withoutSoftmax,
} from '../fixtures/models/broken';
import { button, generate, number, openWith, setNumber } from './support/page';
import { serveTinyModel, type FileChange } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

/** No message like the one before. */
const BAD: readonly (readonly [string, FileChange, RegExp])[] = [
  ['missing', () => 'missing', /could not be fetched/],
  ['truncated', (model) => truncated(model), /not a complete ONNX file/],
  ['made of an unknown operator', withUnknownOperator, /cannot run unet\/model.onnx/],
  ['not ONNX', htmlInsteadOfModel, /not a complete ONNX file/],
];

test('UNets that are missing or damaged: each is said, and when the right one is there the same page runs it', async ({
  page,
}) => {
  for (const [name, change, message] of BAD) {
    await test.step(name, async () => {
      await serveTinyModel(page, { changes: { 'unet/model.onnx': change } });
      if (page.url() === 'about:blank') await openWith(page, { steps: 1 });
      await button(page, 'Generate').click();
      await expect(page.getByRole('alert')).toContainText(message);
      await expect(button(page, 'Generate')).toBeEnabled();
    });
  }
  await serveTinyModel(page);
  await generate(page);
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('a UNet that is full of NaN is said to be so, and is not fetched again for it', async ({ page }) => {
  let fetched = 0;
  await serveTinyModel(page, {
    changes: {
      'unet/model.onnx': (model) => {
        fetched += 1;
        return withNaNBias(model);
      },
    },
  });
  await page.goto('/');
  await setNumber(page, 'Steps', '2');
  const alert = page.getByRole('alert');
  await button(page, 'Generate').click();
  await expect(alert).toContainText('NaN');
  // The next failure may come at once: it is told from this one by its element.
  await alert.evaluate((element) => {
    element.dataset['first'] = 'yes';
  });
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expect(page.locator('[role="alert"]:not([data-first])')).toContainText('NaN');
  await expect(button(page, 'Generate')).toBeEnabled();
  expect(fetched).toBe(1);
});

test('where PAG is not possible that is said in a sentence of its own, and one click generates without it', async ({
  page,
}) => {
  await serveTinyModel(page, { changes: { 'unet/model.onnx': withoutSoftmax } });
  await page.goto('/');
  await setNumber(page, 'Steps', '2');
  const layers = page.getByRole('combobox', { name: 'Layers' });
  const before = await layers.inputValue();
  await button(page, 'Generate').click();
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('PAG is not possible with this model: no self-attention was found');
  await expect(alert.getByRole('group')).toHaveCount(0);
  await alert.getByRole('button', { name: 'Generate without PAG' }).click();
  await expect(page.getByRole('status')).toContainText(/Done in/);
  await expect(number(page, 'PAG scale')).toHaveValue('0');
  await expect(layers).toHaveValue(before);
});

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
    writeFileSync(
      join(folder, 'unet/config.json'),
      JSON.stringify({ sample_size: '8', block_out_channels: new Array(30_000).fill(1) }),
    );
    await open();
    await expect(error).toContainText('block_out_channels has 30000 entries');
    // What only the engine reads is said by it, and numbers in quotes are numbers.
    writeFileSync(join(folder, 'unet/config.json'), JSON.stringify({ sample_size: '8', in_channels: '4' }));
    writeFileSync(join(folder, 'vae_decoder/config.json'), '[]');
    await open();
    await expect(page.getByRole('alert')).toContainText(
      'vae_decoder/config.json of the model cannot be used: it must be an object',
    );
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
