// After the first visit the page works without a network; it isolates itself on a host that sends no headers.

import { expect, test } from '@playwright/test';
import { button, generate, setNumber } from './support/page';
import { startPlainServer } from './support/plainServer';

test('offline: reload, generate, read the licences; isolated by the service worker; installable', async ({
  page,
  context,
}) => {
  const host = await startPlainServer();
  await page.goto(host.url);
  // The first visit is loaded once more when the service worker takes over.
  await page.waitForFunction(() => crossOriginIsolated);
  const manifest = await page.evaluate(async () => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="manifest"]');
    return link ? ((await (await fetch(link.href)).json()) as { name: string; icons: { sizes: string }[] }) : null;
  });
  expect(manifest?.name).toBe('Pagoda');
  expect(manifest?.icons.map((icon) => icon.sizes)).toEqual(expect.arrayContaining(['192x192', '512x512']));
  await host.close();
  await context.setOffline(true);
  await page.reload();
  await setNumber(page, 'Steps', '2');
  await generate(page);
  await expect(page.getByRole('status')).toContainText(/[2-9] threads/);

  await page.getByText('About', { exact: true }).click();
  const opened = context.waitForEvent('page');
  await page.getByRole('link', { name: 'Licences of all that it contains' }).click();
  const notices = (await opened).locator('body');
  for (const part of [/^onnxruntime-web \d/m, /^react \d/m, /^workbox-precaching \d/m, /^dawn$/m, /Noto Emoji/])
    await expect.poll(() => notices.innerText()).toMatch(part);
});

test('a visit that there is no room for says that it will not be there offline, and is kept once there is', async ({
  page,
  context,
}) => {
  const host = await startPlainServer();
  const { origin } = new URL(host.url);
  const devtools = await context.newCDPSession(page);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 5e6 });
  await page.goto(host.url);
  await expect(page.getByRole('status')).toContainText(
    'not offline: the browser has no room to keep it. Free some space on this device, then reload',
  );
  const left = () =>
    page.evaluate(async () => (await caches.keys()).length && (await navigator.storage.estimate()).usage);
  await expect.poll(left).toBeLessThan(1e6);
  const registered = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
  await expect.poll(registered).toBe(0);
  await expect(page.getByRole('alert')).toHaveCount(0);

  await devtools.send('Storage.overrideQuotaForOrigin', { origin });
  await page.reload();
  await page.waitForFunction(() => crossOriginIsolated);
  await expect(page.getByRole('status')).not.toContainText('not offline');

  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 30e6 });
  host.release('2');
  await page.reload();
  await expect(page.getByRole('status')).toContainText('There is a new version, but the browser has no room for it');
  await host.close();
  await page.reload();
  await expect(button(page, 'Generate')).toBeVisible();
});
