// No serious accessibility finding, light and dark, wide and on a phone; nothing scrolls sideways.

import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';

test.use({ serviceWorkers: 'block' });

for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of [
    { width: 1440, height: 900 },
    { width: 360, height: 740 },
  ]) {
    test(`${colorScheme} at ${viewport.width}`, async ({ page }) => {
      // An answer: what is only broken off is asked for again and again before it is an error.
      await page.route('**/models/**', (route) => route.fulfill({ status: 404 }));
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await page.goto('/');
      await expect(page.getByRole('alert')).toBeVisible();
      const { violations } = await new AxeBuilder({ page }).analyze();
      const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(bad.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width);
    });
  }
}
