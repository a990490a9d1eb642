// After the first visit the page works without a network; it isolates itself on a host that sends no headers.

import { expect, test } from '@playwright/test';
import { generate, setNumber } from './support/page';
import { startPlainServer } from './support/plainServer';

test('offline: reload, generate; isolated by the service worker; installable', async ({ page, context }) => {
  const host = await startPlainServer();
  await page.goto(host.url);
  // The first visit is loaded once more when the service worker takes over.
  await page.waitForFunction(() => crossOriginIsolated, undefined, { timeout: 60_000 });
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
});
