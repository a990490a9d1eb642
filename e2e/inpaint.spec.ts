// Runs with a mask through the page: the picture is diffusers', with an ordinary UNet and with one for inpainting, and
// an empty mask is said.

import { writeFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { wholeFile } from '../fixtures/checkpoints/pipelines';
import { inpaintingFile, maskOf, runs, worstLevel } from '../fixtures/inpaint/inpaint';
import { startPicture, startSettings } from '../fixtures/start/start';
import { button, generate, holdModel, openWith, picture, pixels, unfold } from './support/page';
import { pngOf } from './support/png';

test.use({ serviceWorkers: 'block' });

const png = (name: string, pixels: Parameters<typeof pngOf>[0]) => ({
  name,
  mimeType: 'image/png',
  buffer: pngOf(pixels),
});

for (const family of ['sd1', 'inpainting'] as const)
  test(`only what is masked is made anew, as diffusers does: ${family}`, async ({ page }, info) => {
    const golden = runs.find((run) => run.family === family && run.picture !== undefined)!;
    const { scheduler, strength, padding, width, height, mask } = golden;
    const model = info.outputPath('small.safetensors');
    const file = family === 'sd1' ? wholeFile('sd1', 'F16') : inpaintingFile('inpainting');
    writeFileSync(model, new Uint8Array(await file.arrayBuffer()));
    await holdModel(page);
    const inpainting = { maskArea: 'masked', maskPadding: padding, maskFeather: 0, keepRest: true };
    await openWith(page, { ...startSettings, ...inpainting, scheduler, strength, startFit: 'stretch', width, height });
    await button(page, 'Model: Pocket (built in). Change').click();
    await page.getByLabel('Checkpoint file').setInputFiles(model);
    await expect(page.getByRole('status').filter({ hasText: 'in use' })).toBeVisible();
    await page.keyboard.press('Escape');
    await unfold(page, 'Sampling');
    await page.getByRole('combobox', { name: 'Scheduler' }).selectOption(scheduler);
    await page.getByText('From an image', { exact: true }).click();
    await page.getByLabel('Start image', { exact: true }).setInputFiles(png('start.png', startPicture()));
    const levels = maskOf(mask);
    const rgb = Uint8Array.from({ length: 3 * levels.gray.length }, (_, at) => levels.gray[Math.floor(at / 3)]!);
    await page.getByLabel('Mask image', { exact: true }).setInputFiles(png('mask.png', { ...levels, rgb }));
    await generate(page);
    const made = await pixels(picture(page, 'With PAG'));
    expect(worstLevel(golden, made)).toBeLessThanOrEqual(1);
    const own = startPicture();
    const kept = [...levels.gray.keys()].filter((at) => levels.gray[at] === 0);
    expect(kept.every((at) => [0, 1, 2].every((c) => made[4 * at + c] === own.rgb[3 * at + c]))).toBe(true);
    await button(page, 'Recipe').click();
    await expect(page.getByRole('dialog', { name: 'Recipe' })).toContainText(`only masked, ${padding} px around it`);
    await page.keyboard.press('Escape');
  });
