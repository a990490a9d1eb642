// A new version of the page is offered and waits: it takes over when the user says so, not before.

import { expect, test } from '@playwright/test';
import { startPlainServer } from './support/plainServer';
import { button } from './support/page';

test('an update is offered, and taken on a click', async ({ page }) => {
  const host = await startPlainServer();
  await page.goto(host.url);
  await page.waitForFunction(() => crossOriginIsolated, undefined, { timeout: 60_000 });
  await expect(button(page, 'Update Pagoda')).toHaveCount(0);

  host.release('the next version');
  await page.reload();
  await page.evaluate(() => ((self as { marked?: boolean }).marked = true));
  await expect(button(page, 'Update Pagoda')).toBeVisible({ timeout: 60_000 });
  const states = () =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      return [registration?.active?.state, registration?.waiting?.state];
    });
  expect(await states()).toEqual(['activated', 'installed']);

  await button(page, 'Update Pagoda').click();
  await expect.poll(() => page.evaluate(() => 'marked' in self).catch(() => true), { timeout: 30_000 }).toBe(false);
  expect(await states()).toEqual(['activated', undefined]);
  await host.close();
});
