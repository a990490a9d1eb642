// A run from a picture: the page's pair is diffusers', what cannot be a start image is said, and the recipe knows it.

import { writeFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { wholeFile, worstPixel } from '../fixtures/checkpoints/pipelines';
import { runs, startBytes, startPicture, startSettings } from '../fixtures/start/start';
import { dropFiles } from './support/dropFiles';
import { button, generate, holdModel, number, openWith, picture, pixels, unfold } from './support/page';
import { pngOf } from './support/png';

test.use({ serviceWorkers: 'block' });

test('a pair that begins from a picture is diffusers’; a broken picture is refused, and nothing is lost', async ({
  page,
}, info) => {
  const golden = runs.find(({ family, picture: at }) => family === 'sd1' && at !== undefined)!;
  const { scheduler, strength } = golden;
  const model = info.outputPath('small.safetensors');
  writeFileSync(model, new Uint8Array(await wholeFile('sd1', 'F16').arrayBuffer()));
  await holdModel(page);
  await openWith(page, { ...startSettings, scheduler, strength, startFit: 'stretch' });
  await button(page, 'Model: Pocket (built in). Change').click();
  await page.getByLabel('Checkpoint file').setInputFiles(model);
  await expect(page.getByRole('status').filter({ hasText: 'in use' })).toBeVisible();
  await page.keyboard.press('Escape');
  await unfold(page, 'Sampling');
  await page.getByRole('combobox', { name: 'Scheduler' }).selectOption(scheduler);

  await page.getByText('From an image', { exact: true }).click();
  const input = page.getByLabel('Start image', { exact: true });
  await input.setInputFiles({ name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  await expect(page.getByRole('alert')).toContainText('broken.png: this browser cannot read it as a picture');
  await input.setInputFiles({ name: 'start.png', mimeType: 'image/png', buffer: pngOf(startPicture()) });
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect(page.getByRole('img', { name: 'The start image: start.png' })).toBeVisible();
  await expect(page.getByText('6 of 10 steps run')).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await generate(page);
  expect(worstPixel(golden, await pixels(picture(page, 'With PAG')), startBytes)).toBeLessThanOrEqual(1);

  await button(page, 'Recipe').click();
  await expect(page.getByRole('dialog', { name: 'Recipe' })).toContainText(`, strength ${strength}`);
  await page.keyboard.press('Escape');
  // One step less than any: refused in words, and the pair stays.
  await number(page, 'Strength').fill('0.05');
  await number(page, 'Strength').blur();
  await button(page, 'Generate').click();
  await expect(page.getByRole('alert')).toContainText('At a strength of 0.05 none of 10 steps is run');
  expect(worstPixel(golden, await pixels(picture(page, 'With PAG')), startBytes)).toBeLessThanOrEqual(1);
  await button(page, 'Use the one with PAG').click();
  await expect(page.getByRole('img', { name: /^The start image: .*made here/ })).toBeVisible();
  await button(page, 'Remove the start image').click();
  await expect(page.getByText('Choose, drop here or paste a picture')).toBeVisible();
});

test('a picture that is dropped on the section is taken there, and the page is clear again', async ({ page }, info) => {
  const path = info.outputPath('dropped.png');
  writeFileSync(path, pngOf(startPicture()));
  await holdModel(page);
  await page.goto('/');
  await page.getByText('From an image', { exact: true }).click();
  const hint = page.getByText('Choose, drop here or paste a picture');
  await hint.scrollIntoViewIfNeeded();
  const { x, y } = (await hint.boundingBox())!;
  const overlay = page.getByText('Drop a model to use it');
  await dropFiles(page, [path], () => expect(overlay).toBeVisible(), { x: x + 20, y: y + 10 });
  await expect(page.getByRole('img', { name: 'The start image: dropped.png' })).toBeVisible();
  await expect(overlay).toHaveCount(0);
});
