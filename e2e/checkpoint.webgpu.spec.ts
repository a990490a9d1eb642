// A single .safetensors file on real WebGPU (SwiftShader, in f32): the picture of it is diffusers'.

import { writeFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { commonSettings, families, wholeFile, worstPixel } from '../fixtures/checkpoints/pipelines';
import { button, holdModel, openWith, picture, pixels } from './support/page';

test('one file makes diffusers’ picture, to one level of 255', async ({ page }, info) => {
  const [golden] = families['tiny-sd'];
  const path = info.outputPath('tiny-sd.safetensors');
  writeFileSync(path, new Uint8Array(await wholeFile('tiny-sd', 'F16').arrayBuffer()));
  await holdModel(page);
  await openWith(page, { ...commonSettings, ...golden!.settings, compare: false });
  await button(page, 'Model: Pocket (built in). Change').click();
  await page.getByLabel('Checkpoint file').setInputFiles(path);
  await expect(page.getByRole('button', { name: /^Model: tiny-sd\. Change/ })).toBeAttached();
  await page.keyboard.press('Escape');
  await page.getByRole('group', { name: 'Usual settings' }).getByRole('button', { name: 'Undo' }).click();
  await button(page, 'Generate').click();
  // All shaders of a checkpoint's networks are compiled here, which on a busy machine takes longer than other tests
  // wait.
  await expect(page.getByRole('status')).toContainText(/Done in/, { timeout: 800_000 });
  await expect(page.getByRole('status')).toContainText('WebGPU');
  expect(worstPixel(golden!, await pixels(picture(page, 'With PAG')))).toBeLessThanOrEqual(1);
});
