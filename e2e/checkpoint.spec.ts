// A checkpoint in one file, chosen from disk: what it is, a pair of it, and what is no model.

import { writeFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { partFile, singleFile, small } from '../fixtures/checkpoints/golden';
import { button, generate, picture, pixels, setNumber } from './support/page';

test('one file is read in place: it says what it is and makes a pair; what is no whole model is refused', async ({
  page,
}, info) => {
  const write = async (name: string, file: Blob) => {
    const path = info.outputPath(name);
    writeFileSync(path, new Uint8Array(await file.arrayBuffer()));
    return path;
  };
  const whole = singleFile(small['sd1']!, 'F16', { 'modelspec.resolution': '128x128' });
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto('/');
  await setNumber(page, 'Steps', '2');
  await button(page, 'Model: Pocket (built in). Change').click();
  const section = page.getByRole('region', { name: 'From one .safetensors file' });
  const input = section.getByLabel('Checkpoint file');
  await input.setInputFiles(await write('vae.safetensors', partFile(small['sd1']!, 'vae')));
  await expect(section.getByRole('alert')).toContainText('has no UNet and no text encoder. Choose the file');
  expect(asked).not.toContain('/clip/merges.txt');
  await input.setInputFiles(await write('my model.safetensors', whole));
  await expect(section.getByRole('status')).toContainText(/^my model · Stable Diffusion 1\.x, f16, \d+ MB · in use/);
  await expect(section.getByRole('alert')).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(button(page, 'Model: my model. Change')).toBeVisible();
  await generate(page);
  const [without, withPag] = [await pixels(picture(page, 'Without PAG')), await pixels(picture(page, 'With PAG'))];
  expect(withPag).toHaveLength(4 * 128 * 128);
  expect(withPag).not.toEqual(without);
});
