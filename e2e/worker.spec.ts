// The engine's worker dies, hangs, or is asked for too much: the page notices, replaces it and loses nothing.

import { expect, test, type Page } from '@playwright/test';
import { engineWorker, prependToEngine } from './support/engineWorker';
import { button, generate, openWith, picture, pixels, setNumber } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

const LONG = { steps: 100, layers: 'mid', compare: false };

async function inARun(page: Page): Promise<void> {
  await button(page, 'Generate').click();
  await expect(page.getByRole('status')).toContainText(/Step \d+ of 100/);
}

test('a worker that is gone in a run is noticed and replaced; settings and picture stay', async ({ page }) => {
  await serveTinyModel(page);
  await openWith(page, { ...LONG, steps: 2, prompt: 'a red apple' });
  await generate(page);
  const before = await pixels(picture(page, 'With PAG'));
  await setNumber(page, 'Steps', '100');
  await inARun(page);
  await (await engineWorker(page)).evaluate(() => self.close()).catch(() => {});
  await expect(page.getByRole('alert')).toContainText(
    'The engine stopped unexpectedly. Your settings and images are safe',
  );
  expect(await pixels(picture(page, 'With PAG'))).toEqual(before);
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).toHaveValue('a red apple');
  await setNumber(page, 'Steps', '2');
  await generate(page);
  expect(await pixels(picture(page, 'With PAG'))).toEqual(before);
});

test('Generate pressed again and again: one run waits, and Cancel ends both', async ({ page }) => {
  await serveTinyModel(page);
  await openWith(page, LONG);
  await inARun(page);
  for (let press = 0; press < 5; press += 1) await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('status')).toContainText('1 waiting');
  await button(page, 'Cancel').click();
  await expect(page.getByRole('status')).toContainText('Cancelled');
  await setNumber(page, 'Steps', '2');
  await generate(page);
});

test('text that a model reads without end: Cancel is said at once, ends it, and the engine runs again', async ({
  page,
}) => {
  // Stands for whatever a model's files may ask for that no check has foreseen.
  await prependToEngine(
    page,
    `for (const name of ['normalize', 'toLowerCase', 'replace', 'split']) {
    const own = String.prototype[name];
    String.prototype[name] = function (...args) {
      if (this.includes('without end')) {
        console.log('reads without end');
        for (;;);
      }
      return own.call(this, ...args);
    };
  }`,
  );
  await serveTinyModel(page);
  // Until the text is read a cancel would be heard.
  const stuck = page.waitForEvent('console', (message) => message.text() === 'reads without end');
  await openWith(page, { ...LONG, steps: 2, prompt: 'without end' });
  await button(page, 'Generate').click();
  await expect(page.getByRole('status')).toContainText('Preparing');
  await stuck;
  await button(page, 'Cancel').click();
  await expect(button(page, 'Cancelling…')).toBeVisible();
  await expect(page.getByRole('status')).toContainText('Cancelled');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('a red apple');
  await generate(page);
});
