// Numbers that cannot stand are corrected where one can see it.

import { expect, test, type Page } from '@playwright/test';
import { holdModel, number, setNumber } from './support/page';

test.use({ serviceWorkers: 'block' });

async function open(page: Page): Promise<void> {
  await holdModel(page);
  await page.goto('/');
}

test.describe('each on one page', () => {
  let page: Page;
  test.beforeAll(async ({ browser, baseURL }) => {
    page = await browser.newPage({ serviceWorkers: 'block', baseURL: baseURL! });
    await open(page);
  });
  test.afterAll(() => page.close());

  for (const [name, typed, shown] of [
    ['Steps', 'NaN', '20'],
    ['Steps', '-3', '1'],
    ['Steps', '1e9', '150'],
    ['Steps', '7.5', '8'],
    ['PAG scale', 'huge', '3'],
    ['PAG scale', '-1', '0'],
    ['PAG scale', '1000', '100'],
    ['PAG scale', '1,000', '100'],
    ['CFG scale', '', '3'],
    ['Seed', '-1', '0'],
    ['Seed', '1.5', '2'],
  ] as const) {
    test(`${name}: “${typed}” becomes ${shown}`, async () => {
      // One that can stand first: no word is left of the last.
      await setNumber(page, name, '4');
      await expect(page.getByText(`set to ${shown}.`)).toHaveCount(0);
      await setNumber(page, name, typed);
      await expect(number(page, name)).toHaveValue(shown);
      await expect(page.getByText(`set to ${shown}.`)).toBeVisible();
    });
  }
});

test('the slider and its field are one value, and the slider steps finely', async ({ page }) => {
  await open(page);
  await setNumber(page, 'PAG scale', '2');
  const slider = page.getByRole('slider', { name: 'PAG scale' });
  await expect(slider).toHaveValue('2');
  await slider.focus();
  await page.keyboard.press('ArrowRight');
  await expect(number(page, 'PAG scale')).toHaveValue('2.1');
});

test('numbers as people write them; what could mean two is said', async ({ page }) => {
  await open(page);
  for (const [typed, shown] of [
    ['2,5', '2.5'],
    ['٢٫٥', '2.5'],
    ['３', '3'],
  ] as const) {
    await setNumber(page, 'PAG scale', typed);
    await expect(number(page, 'PAG scale')).toHaveValue(shown);
  }
  await setNumber(page, 'Seed', '1,000');
  await expect(number(page, 'Seed')).toHaveValue('1000');
  await expect(page.getByText('Read as 1000.')).toBeVisible();
});

test('two tabs each write what was changed in them', async ({ page, context }) => {
  await open(page);
  const other = await context.newPage();
  await open(other);
  await setNumber(page, 'Seed', '5');
  await setNumber(other, 'Steps', '9');
  await expect(number(page, 'Steps')).toHaveValue('20');
  await page.reload();
  await expect(number(page, 'Seed')).toHaveValue('5');
  await expect(number(page, 'Steps')).toHaveValue('9');
});
