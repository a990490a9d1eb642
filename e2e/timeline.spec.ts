// The timeline of a run: its steps, and what PAG steers away from.

import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { button, generate, meanDifference, openWith, picture, pixels } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

test('a pair is made again with its steps, which a slider goes through', async ({ page }) => {
  await serveTinyModel(page);
  await openWith(page, { prompt: 'a', steps: 4, pagScale: 3, layers: 'mid' });
  await generate(page);
  await page.getByText('Timeline', { exact: true }).click();
  await button(page, 'Make this pair again with its steps').click();
  const slider = page.getByRole('slider', { name: 'Step' });
  await expect(slider).toHaveAttribute('max', '3');
  const step = (name: string) => page.getByRole('img', { name, exact: true });
  await expect(page.getByRole('status')).toContainText(/Done in/);
  // The last step is the pair itself, but for the little noise that DDIM leaves.
  for (const name of ['With PAG', 'Without PAG'] as const) {
    const estimate = await pixels(step(name.replace('With', 'Step with')));
    expect(meanDifference(estimate, await pixels(picture(page, name)))).toBeLessThan(1);
  }
  const last = await pixels(step('What PAG steers away from'));
  await slider.fill('0');
  await expect(slider).toHaveAttribute('aria-valuetext', 'Step 1');
  expect(meanDifference(await pixels(step('What PAG steers away from')), last)).toBeGreaterThan(0);
  expect((await new AxeBuilder({ page }).include('main').analyze()).violations).toEqual([]);
});
