// PAG over the run: a preset and its numbers, the curve, the drawing of the UNet, and that the run does what they say.

import { expect, test } from '@playwright/test';
import { generate, setNumber } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

test('a window saves the passes that the curve says; layers are chosen on the drawing; u a layer', async ({ page }) => {
  await serveTinyModel(page);
  await page.goto('/');
  await setNumber(page, 'Steps', '4');
  await page.getByText('PAG over the run').click();
  await page.getByRole('combobox', { name: 'Preset' }).selectOption('Forge: built-in');
  await expect(page.getByRole('spinbutton', { name: 'PAG scale' })).toHaveValue('3');
  await expect(page.getByRole('combobox', { name: 'Layers' })).toHaveValue('mid');
  await setNumber(page, 'Stop', '0.3');
  await expect(page.getByRole('combobox', { name: 'Preset' })).toHaveValue('own');
  const curve = page.getByText('PAG runs in 2 of 4 UNet passes; 2 perturbed passes are saved.');
  await expect(curve).toBeVisible();

  await page.getByRole('button', { name: /^u0, up_blocks/ }).click();
  await expect(page.getByRole('combobox', { name: 'Layers' })).toHaveValue('m0,u0');
  await expect(page.getByRole('button', { name: /^u1,.*run again/ })).toHaveAttribute('aria-pressed', 'false');
  await expect(page.getByRole('button', { name: /^d0,.*shared/ })).toBeVisible();

  await page.getByText('u layer by layer').click();
  await setNumber(page, 'u of u0', '0');
  await generate(page);
  await page.getByText('What PAG is doing').click();
  // Two images: four rows a step, and a fifth in the two steps inside the window, of which the first is for both images
  // and shares two; u0 is left as it is.
  await expect(page.getByText(/^Last run:/)).toContainText('1 of 7 self-attentions perturbed');
  await expect(page.getByText(/^Last run:/)).toContainText('16 rows in all');

  await page.reload();
  await page.getByText('PAG over the run').click();
  await expect(page.getByRole('spinbutton', { name: 'Stop' })).toHaveValue('0.3');
  await expect(page.getByText('u layer by layer (1 of their own)')).toBeVisible();
});
