// The engine's worker dies, hangs, or is asked for too much: the page notices, replaces it and loses nothing. Where
// both go, as out of heap in Chromium, settings are there when it is opened again.

import { expect, test, type Page } from '@playwright/test';
import { engineWorker, prependToEngine } from './support/engineWorker';
import { button, generate, number, openWith, picture, pixels, setNumber } from './support/page';
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

test('a page that crashes in a run: opened again, its settings are as they were, nothing runs, Generate works', async ({
  page: crashing,
  context,
}) => {
  const prompt = (page: Page) => page.getByRole('textbox', { name: 'Prompt', exact: true });
  await serveTinyModel(crashing);
  await crashing.goto('/');
  await prompt(crashing).fill('a red apple');
  await setNumber(crashing, 'Steps', '100');
  await setNumber(crashing, 'PAG scale', '2.5');
  await inARun(crashing);
  const crashed = crashing.waitForEvent('crash');
  const inspector = await context.newCDPSession(crashing);
  // It is not answered.
  void inspector.send('Page.crash').catch(() => {});
  await crashed;
  // Playwright never uses a page again that has crashed.
  const page = await context.newPage();
  await serveTinyModel(page);
  await page.goto('/');
  await expect(prompt(page)).toHaveValue('a red apple');
  await expect(number(page, 'Steps')).toHaveValue('100');
  await expect(number(page, 'PAG scale')).toHaveValue('2.5');
  await expect(button(page, 'Generate')).toBeEnabled();
  await expect(button(page, 'Cancel')).toBeDisabled();
  await expect(page.getByRole('status')).not.toContainText(/Step|waiting/);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await setNumber(page, 'Steps', '2');
  await generate(page);
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
