// What the page looks like where it is not a wide window with colours of its own: forced colours, a phone upright and
// held sideways, paper, and texts of any length.

import { cpSync } from 'node:fs';
import { expect, test, type Locator, type Page } from '@playwright/test';
import { button, generate, openWith, picture } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

const background = (one: Locator) => one.evaluate((element) => getComputedStyle(element).backgroundColor);

async function nothingOverflows(page: Page): Promise<void> {
  const over = await page.evaluate(() => {
    const wide = [...document.querySelectorAll<HTMLElement>('html, main, form, footer, dialog[open], [role="alert"]')];
    return wide.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.outerHTML.slice(0, 100));
  });
  expect(over).toEqual([]);
}

test('forced colours, a phone held sideways, paper', async ({ page }) => {
  await serveTinyModel(page);
  await openWith(page, { layers: 'mid', steps: 2 });
  await generate(page);

  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ forcedColors: 'active', colorScheme });
    const canvas = await background(page.locator('body'));
    const fill = page.getByRole('progressbar', { name: 'Progress' }).locator('div');
    const slider = page.getByRole('slider', { name: 'PAG scale' }).locator('..');
    const track = await slider.evaluate((element) => getComputedStyle(element, '::before').backgroundColor);
    const sites = page.getByRole('group', { name: 'Self-attentions of the UNet' });
    expect(await background(fill)).not.toBe(canvas);
    expect(track).not.toBe(canvas);
    expect(await background(slider.locator('div').first())).not.toBe(track);
    expect(await background(sites.getByRole('button', { pressed: true }).first())).not.toBe(
      await background(sites.getByRole('button', { pressed: false }).first()),
    );
  }
  await page.emulateMedia({ forcedColors: 'none', colorScheme: 'light' });

  await page.setViewportSize({ width: 640, height: 360 });
  for (const name of ['Without PAG', 'With PAG'] as const) {
    await expect.poll(async () => (await picture(page, name).boundingBox())?.width).toBeGreaterThanOrEqual(192);
  }
  await nothingOverflows(page);

  await page.emulateMedia({ media: 'print' });
  await expect(button(page, 'Generate')).toBeHidden();
  await expect(picture(page, 'With PAG')).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).toBeVisible();
});

test('what has the focus is never under the bar at the foot', async ({ page }) => {
  await serveTinyModel(page);
  await page.setViewportSize({ width: 860, height: 500 });
  await openWith(page, { layers: 'mid', emphasis: 'plain' });
  await expect(page.getByRole('group', { name: 'Self-attentions of the UNet' })).toBeVisible();
  // The last that comes with the model, and moves what is below it.
  await expect(page.getByText('Too long: the model reads 14 of')).toBeVisible();
  const focused = () =>
    page.evaluate(async () => {
      await new Promise(requestAnimationFrame);
      const one = document.activeElement as HTMLElement;
      const bar = document.querySelector('[role="progressbar"]')?.parentElement as HTMLElement;
      const below = one.getBoundingClientRect().bottom - bar.getBoundingClientRect().top;
      return { one: one.outerHTML.slice(0, 200), isCovered: one !== document.body && !bar.contains(one) && below > 0 };
    });
  const seen = new Set<string>();
  for (let tab = 0; tab < 60; tab += 1) {
    await page.keyboard.press('Tab');
    const { one, isCovered } = await focused();
    seen.add(one);
    expect(isCovered, one).toBe(false);
  }
  expect(seen.size).toBeGreaterThan(25);
});

test('texts and names of any length stay within the page', async ({ page }, info) => {
  const long = 'd0.'.repeat(1334);
  const folder = info.outputPath('f'.repeat(250));
  cpSync('fixtures/models/tiny', folder, { recursive: true });
  await serveTinyModel(page, { changes: { 'unet/model.onnx': () => 'missing' } });
  await page.addInitScript(() => delete (window as { showDirectoryPicker?: unknown }).showDirectoryPicker);
  await page.setViewportSize({ width: 360, height: 740 });
  await openWith(page, { layers: long, prompt: long, negativePrompt: long });
  await expect(page.getByRole('alert')).toBeVisible();
  await nothingOverflows(page);
  await page.evaluate((message) => void Promise.reject(new Error(message)), long);
  await expect(page.getByRole('alert').filter({ hasText: 'Something in Pagoda failed' })).toBeVisible();
  await nothingOverflows(page);

  const chooser = page.waitForEvent('filechooser');
  await button(page, 'Model: Pocket (built in). Change').click();
  await button(page, 'Open folder').click();
  await (await chooser).setFiles(folder);
  await button(page, `Model: ${'f'.repeat(250)}. Change`).click();
  await expect(page.getByRole('region', { name: 'From a folder' })).toContainText('in use until');
  await nothingOverflows(page);
});
