// A single .safetensors file on real WebGPU (SwiftShader, in f32): the picture of it is diffusers'. A small one, since
// SwiftShader's time goes into the VAE's convolutions: a decode of 128 × 128 pixels takes it a minute.

import { writeFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { wholeFile } from '../fixtures/checkpoints/pipelines';
import { sizedRuns, sizedSettings, worstSizedPixel } from '../fixtures/checkpoints/sizes';
import { button, holdModel, openWith, picture, pixels } from './support/page';

test('one file makes diffusers’ picture, to one level of 255', async ({ page }, info) => {
  // The first of several images, which is what its seed alone makes.
  const golden = sizedRuns.sd1.find(({ settings }) => settings.width * settings.height <= 64 ** 2)!;
  const path = info.outputPath('sd1.safetensors');
  writeFileSync(path, new Uint8Array(await wholeFile('sd1', 'F16').arrayBuffer()));
  await holdModel(page);
  await openWith(page, { ...sizedSettings, ...golden.settings, images: 1, compare: false });
  await button(page, 'Model: Pocket (built in). Change').click();
  await page.getByLabel('Checkpoint file').setInputFiles(path);
  await expect(page.getByRole('button', { name: /^Model: sd1\. Change/ })).toBeAttached();
  await page.keyboard.press('Escape');
  await page.getByRole('group', { name: 'Usual settings' }).getByRole('button', { name: 'Undo' }).click();
  await button(page, 'Generate').click();
  // All shaders of a checkpoint's networks are compiled here, which on a busy machine takes longer than other tests
  // wait.
  await expect(page.getByRole('status')).toContainText(/Done in/, { timeout: 800_000 });
  await expect(page.getByRole('status')).toContainText('WebGPU');
  expect(worstSizedPixel(golden, await pixels(picture(page, 'With PAG')))).toBeLessThanOrEqual(1);
});
