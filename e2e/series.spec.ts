// A series over layers and words: a cell that fails costs that cell, a reload in the middle nothing, and the grid is
// one picture.

import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { readPngText } from '../src/image/pngText';
import { button, openWith } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

test('a series with a cell that fails is paused, goes on after a reload, and is saved', async ({ page }) => {
  await serveTinyModel(page);
  await openWith(page, { prompt: 'a cat', steps: 2, pagScale: 1, layers: 'mid' });
  const series = page.getByRole('region', { name: 'Series', exact: true });
  await page.getByRole('radio', { name: 'Series' }).check();
  await series.getByRole('combobox', { name: 'Columns' }).selectOption({ label: 'Layers' });
  await expect(button(page, 'Start series')).toBeDisabled();
  await series.getByRole('textbox', { name: 'Values of the columns' }).fill('mid, nowhere, down');
  await series.getByRole('combobox', { name: 'Rows' }).selectOption({ label: 'Words of the prompt' });
  await series.getByRole('textbox', { name: 'Values of the rows' }).fill('dog, owl');
  await expect(series).toContainText('“dog” is in neither prompt');
  await series.getByRole('textbox', { name: 'Values of the rows' }).fill('cat, owl');
  await expect(series).toContainText('6 pictures');
  await button(page, 'Start series').click();
  await button(page, 'Pause series').click();
  await expect(series).toContainText('1 of 6 pictures · paused');

  await page.reload();
  await page.getByRole('radio', { name: 'Series' }).check();
  await expect(series).toContainText('1 of 6 pictures · paused');
  await button(page, 'Continue series').click();
  // Layers are the dear axis: both rows of the column that fails come one after the other.
  await expect(series).toContainText('2 of 6 pictures · 2 failed · paused. Two pictures in a row could not be made.');
  await series.getByRole('textbox', { name: 'Values of the columns' }).fill('mid, down');
  await button(page, 'Start series').click();
  await expect(series).toContainText('4 of 4 pictures · done');
  expect((await new AxeBuilder({ page }).include('section[aria-label="Series"]').analyze()).violations).toEqual([]);

  const saving = page.waitForEvent('download');
  await button(page, 'Save grid as PNG').click();
  const png = readFileSync(await (await saving).path());
  const { texts } = await readPngText(new Blob([Uint8Array.from(png)]), new Set(['parameters']));
  expect(texts.get('parameters')).toContain(
    'Script: X/Y/Z plot, X Type: Layers, X Values: "mid, down", Y Type: Prompt S/R, Y Values: "cat, owl"',
  );
  await series
    .getByRole('button', { name: /^Put back a owl/ })
    .last()
    .click();
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).toHaveValue('a owl');
  await expect(page.getByRole('combobox', { name: 'Layers' })).toHaveValue('down');
  await expect(page.getByRole('img', { name: 'With PAG', exact: true })).toBeVisible();

  await button(page, 'Try each layer alone').click();
  await expect(series).toContainText('7 of 7 pictures · done');
  // The image without PAG is made once.
  await expect(series).toContainText(/\d+ UNet rows, \d+ as runs by themselves/);
  await expect(series.getByText(/^differs by \d/)).toHaveCount(7);
});
