// A new version of the page is offered and waits: it takes over when the user says so, not before. A tab that is busy
// meanwhile goes on with the version it has, of which the host has nothing more.

import { expect, test, type Page } from '@playwright/test';
import { engineWorker } from './support/engineWorker';
import { button, generate, setNumber } from './support/page';
import { startPlainServer } from './support/plainServer';

/** The page's own script: its name tells which version a tab runs. */
const versionOf = (page: Page) => page.locator('script[type="module"]').first().getAttribute('src');

test('an update is offered, and taken on a click; a busy tab keeps its version, and makes pictures with it', async ({
  page,
  context,
}) => {
  const host = await startPlainServer();
  await page.goto(host.url);
  await page.waitForFunction(() => crossOriginIsolated);
  await expect(button(page, 'Update Pagoda')).toHaveCount(0);
  const first = await versionOf(page);
  const busy = await context.newPage();
  await busy.goto(host.url);
  await setNumber(busy, 'Steps', '1');
  await generate(busy);
  await setNumber(busy, 'Steps', '100');
  await button(busy, 'Generate').click();
  await expect(busy.getByRole('status')).toContainText(/Step \d+ of 100/);

  host.release('2');
  await page.reload();
  await expect(button(page, 'Update Pagoda')).toBeVisible();
  const states = () =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      return [registration?.active?.state, registration?.waiting?.state];
    });
  await expect.poll(states).toEqual(['activated', 'installed']);
  expect(await versionOf(page)).toBe(first);
  await button(page, 'Update Pagoda').click();
  await expect.poll(() => versionOf(page).catch(() => first)).not.toBe(first);
  await expect.poll(() => states().catch(() => null)).toEqual(['activated', undefined]);

  // The run has not been cut off; what is started from now on is of the old version, and is there.
  await expect(busy.getByRole('status')).toContainText(/Step \d+ of 100/);
  await expect(button(busy, 'Update Pagoda')).toHaveCount(0);
  await (await engineWorker(busy)).evaluate(() => self.close()).catch(() => {});
  await expect(busy.getByRole('alert')).toContainText('The engine stopped unexpectedly');
  await setNumber(busy, 'Steps', '1');
  await generate(busy);
  await button(busy, 'Model: Pocket (built in). Change').click();
  await expect(busy.getByRole('region', { name: 'On this device' })).toContainText('more may be stored');
  await busy.keyboard.press('Escape');
  expect(await versionOf(busy)).toBe(first);
  expect(host.missed).toEqual([]);

  await button(busy, 'Update Pagoda').click();
  await expect.poll(() => versionOf(busy).catch(() => first)).not.toBe(first);
  await host.close();
});
