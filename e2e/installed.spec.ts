// What the system gives to the installed page: files that its file manager opens with it, and pictures that other apps
// share to it. The system's own part is stood in for by a launch queue and by a form; the rest is as it is.

import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { startPicture } from '../fixtures/start/start';
import { holdModel } from './support/page';
import { startPlainServer } from './support/plainServer';
import { pngOf } from './support/png';

const WITH_RECIPE = 'fixtures/recipe/cases/a07_RNG_NV.png';

interface Launched {
  consume: (launch: { readonly files: readonly FileSystemFileHandle[] }) => void;
}

test('a file that the file manager opens with it is as one that is dropped', async ({ page }) => {
  await page.addInitScript(() => {
    const launched = {} as Launched;
    const setConsumer = (consume: Launched['consume']) => (launched.consume = consume);
    // The browser's own has no files without an installed page.
    Object.defineProperty(window, 'launchQueue', { value: { setConsumer } });
    Object.assign(window, { launched });
  });
  await holdModel(page);
  await page.goto('/');
  const manifest = await page.evaluate(async () => {
    const { href } = document.querySelector<HTMLLinkElement>('link[rel="manifest"]')!;
    return (await (await fetch(href)).json()) as { file_handlers: { accept: object }[] };
  });
  expect(manifest.file_handlers.flatMap(({ accept }) => Object.values(accept) as string[][]).flat()).toEqual([
    '.png',
    '.safetensors',
  ]);
  await page.evaluate(
    async (bytes) => {
      // A handle of the private file system, which is one as the file manager's are.
      const folder = await navigator.storage.getDirectory();
      const handle = await folder.getFileHandle('opened.png', { create: true });
      const file = await handle.createWritable();
      await file.write(new Uint8Array(bytes));
      await file.close();
      (window as unknown as { launched: Launched }).launched.consume({ files: [handle] });
    },
    [...readFileSync(WITH_RECIPE)],
  );
  await expect(page.getByText('opened.png', { exact: false }).first()).toBeVisible();
  const stored = () => page.evaluate(() => localStorage.getItem('pagoda.settings'));
  await expect.poll(stored).toContain('"noiseSource":"gpu"');
});

/** As the system sends what another app shares. */
async function share(page: Page, url: string, files: readonly { readonly name: string; readonly bytes: Buffer }[]) {
  await page.goto('about:blank');
  await page.setContent(`<form action="${url}share-target" method="post" enctype="multipart/form-data">
    <input type="file" name="files" multiple><button>Share</button></form>`);
  await page
    .locator('input')
    .setInputFiles(files.map(({ name, bytes }) => ({ name, mimeType: 'image/png', buffer: bytes })));
  await page.getByRole('button', { name: 'Share' }).click();
}

test('a picture that is shared to it gives its settings, or is one to start from; no server is sent it', async ({
  page,
}) => {
  const host = await startPlainServer();
  await page.goto(host.url);
  // The first visit is loaded once more when the service worker takes over.
  await page.waitForFunction(() => crossOriginIsolated);
  const manifest = await page.evaluate(async () => {
    const { href } = document.querySelector<HTMLLinkElement>('link[rel="manifest"]')!;
    const { share_target: target } = (await (await fetch(href)).json()) as { share_target: { action: string } };
    return [target, new URL(target.action, href).href];
  });
  expect(manifest).toEqual([
    expect.objectContaining({ method: 'POST', enctype: 'multipart/form-data' }),
    `${host.url}share-target`,
  ]);

  await share(page, host.url, [{ name: 'größe 7.png', bytes: readFileSync(WITH_RECIPE) }]);
  await expect(page.getByText('größe 7.png', { exact: false }).first()).toBeVisible();
  await expect(page).toHaveURL(host.url);
  expect(await page.evaluate(() => caches.has('pagoda-shared'))).toBe(false);
  await page.reload();
  await expect(page.getByRole('button', { name: 'Generate', exact: true })).toBeVisible();
  await expect(page.getByText('größe 7.png', { exact: false })).toHaveCount(0);

  await share(page, host.url, [{ name: 'mine.png', bytes: pngOf(startPicture()) }]);
  await expect(page.getByRole('img', { name: 'The start image: mine.png' })).toBeVisible();

  // Without a service worker's storage it is said that nothing came through.
  await share(page, host.url, []);
  await expect(page.getByText('It did not come through')).toBeVisible();
  await host.close();
});
