// `npm run dev`: page, engine and the worker of models are held to the same policies as when built, and run under them;
// what the page links to is there.

import { expect, test } from '@playwright/test';
import { createServer } from 'vite';
import { engineWorker, modelsWorker, refusals } from './support/engineWorker';
import { button, generate, setNumber } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test('a picture is made under the policies that the dev server sends', async ({ page }) => {
  const refused: string[] = [];
  page.on('console', (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()));
  const server = await createServer({ server: { port: 0, host: 'localhost' }, logLevel: 'error' });
  await server.listen();
  await serveTinyModel(page);
  await page.goto(server.resolvedUrls?.local[0] ?? '');
  await setNumber(page, 'Steps', '1');
  await generate(page);
  await page.getByText('About', { exact: true }).click();
  const opened = page.context().waitForEvent('page');
  await page.getByRole('link', { name: 'Licences of all that it contains' }).click();
  await expect((await opened).locator('body')).toContainText(/onnxruntime-web \d[^]*react 19[^]*The built-in model/);
  await button(page, 'Model: Pocket (built in). Change').click();
  await expect(page.getByRole('region', { name: 'On this device' })).toContainText('In use');
  expect(refused).toEqual([]);
  const elsewhere = 'https://localhost/';
  expect(await refusals(await engineWorker(page), elsewhere)).toEqual(['script-src', 'connect-src']);
  expect(await refusals(await modelsWorker(page), elsewhere)).toEqual(['script-src']);
  await server.close();
});
