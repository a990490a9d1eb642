// Plain http at an address of the local network, as when one machine serves the page to another: no secure context, so
// no WebGPU, no threads, no service worker, no storage and no clipboard. It runs all the same, and says what would be
// more.

import { expect, test } from '@playwright/test';
import { engineWorker, refusals } from './support/engineWorker';
import { button, generate, setNumber } from './support/page';
import { startPlainServer } from './support/plainServer';

test('over plain http a picture is made with one thread, its recipe copied, and what HTTPS adds is said', async ({
  page,
}) => {
  const host = await startPlainServer();
  await page.goto(host.url.replace('localhost', 'pagoda.test'));
  expect(
    await page.evaluate(() => [
      isSecureContext,
      crossOriginIsolated,
      'serviceWorker' in navigator,
      'storage' in navigator,
      'clipboard' in navigator,
    ]),
  ).toEqual([false, false, false, false, false]);
  await setNumber(page, 'Steps', '1');
  await generate(page);
  await expect(page.getByRole('status')).toContainText('WASM · 1 thread ·');
  await expect(page.getByRole('status')).toContainText(
    'Over HTTPS or at localhost Pagoda may also use WebGPU and more threads, work offline and store models',
  );

  // No header and no service worker: the engine has the page's own policy.
  expect(await refusals(await engineWorker(page), 'http://localhost/')).toEqual(['script-src', 'connect-src']);

  await button(page, 'Model: Pocket (built in). Change').click();
  await expect(page.getByRole('region', { name: 'On this device' })).toContainText(
    'Models can be stored over HTTPS or at localhost only',
  );
  await page.keyboard.press('Escape');

  await button(page, 'Recipe').click();
  const recipe = page.getByRole('dialog', { name: 'Recipe' });
  await page.getByRole('radio', { name: 'JSON' }).check();
  const text = await recipe.getByRole('textbox').inputValue();
  await button(page, 'Copy').click();
  await expect(recipe.getByRole('status')).toHaveText('Copied.');
  await page.keyboard.press('Escape');
  const prompt = page.getByRole('textbox', { name: 'Prompt', exact: true });
  await prompt.fill('');
  await prompt.press('ControlOrMeta+v');
  await expect(prompt).toHaveValue(text.slice(0, 2000));
  await host.close();
});
