// What a first visit shows before the page's script has come, and where that never comes.

import { expect, test, type Page } from '@playwright/test';
import { button, holdModel } from './support/page';

test.use({ serviceWorkers: 'block' });

const SCRIPT = /\/assets\/index-[^/]*\.js$/;
const OWN = /\/assets\/index-[^/]*\.(js|css)$/;

type Box = readonly [x: number, y: number, height: number];

interface Places {
  /** Where the name of the page and the two pictures are. */
  places(): readonly Box[];
  /** The same in the first frame with Generate. */
  taken?: readonly Box[];
}

async function watchPlaces(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const scope = self as unknown as Places;
    scope.places = () =>
      [...document.querySelectorAll('h1, figure > div, figure > canvas')].map((element) => {
        const { x, y, height } = element.getBoundingClientRect();
        return [x, y, height] as const;
      });
    const observer = new MutationObserver(() => {
      if (!document.querySelector('button')) return;
      observer.disconnect();
      requestAnimationFrame(() => (scope.taken = scope.places()));
    });
    observer.observe(document, { subtree: true, childList: true });
  });
}

test('what it is stands there at once, and nothing jumps when the page takes over', async ({ page }) => {
  const refused: string[] = [];
  page.on('console', (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()));
  await holdModel(page);
  await watchPlaces(page);
  for (const [width, height] of [
    [1280, 800],
    [1000, 600],
    [860, 900],
    [640, 360],
    [360, 640],
  ] as const) {
    await page.setViewportSize({ width, height });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route(OWN, async (route) => {
      await held;
      await route.continue();
    });
    await page.goto('/', { waitUntil: 'commit' });
    await expect(page.getByText('nothing that you type leaves your device')).toBeVisible();
    await expect(page.getByText('Loading…')).toBeVisible();
    const before = await page.evaluate(() => (self as unknown as Places).places());
    expect(before).toHaveLength(3);
    release();
    await expect(button(page, 'Generate')).toBeVisible();
    await page.waitForFunction(() => (self as unknown as Places).taken);
    const after = await page.evaluate(() => (self as unknown as Places).taken ?? []);
    const moved = before.map((box, at) =>
      Math.max(...box.map((value, side) => Math.abs(value - (after[at]?.[side] ?? NaN)))),
    );
    expect(Math.max(...moved), `${width} × ${height}: ${JSON.stringify({ before, after })}`).toBeLessThanOrEqual(2);
    await page.unroute(OWN);
  }
  expect(refused).toEqual([]);
});

test('a script that does not come, or that the browser cannot read, is said, and a reload offered', async ({
  page,
}) => {
  await page.route(SCRIPT, (route) => route.abort());
  await page.goto('/');
  await expect(page.getByRole('alert')).toContainText('A part of the page did not come.');
  await page.unroute(SCRIPT);
  await page.route(SCRIPT, (route) => route.fulfill({ contentType: 'text/javascript', body: 'const future = ~;' }));
  await page.getByRole('link', { name: 'Reload' }).click();
  await expect(page.getByRole('alert')).toContainText('This browser is too old for Pagoda.');
  await page.unroute(SCRIPT);
  await page.getByRole('link', { name: 'Reload' }).click();
  await expect(button(page, 'Generate')).toBeVisible();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('the page says what it needs', async ({ page }) => {
    await page.goto('/');
    await expect(page.locator('noscript p')).toBeVisible();
    await expect(page.getByText('Loading…')).toBeHidden();
  });
});
