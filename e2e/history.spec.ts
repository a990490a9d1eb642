// What was made is kept: through a reload, with its settings, in a database that may be full, damaged or refused.

import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { unzipSync } from 'fflate';
import { readPngText } from '../src/image/pngText';
import { button, generate, number, openWith, picture, pixels, setNumber } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

const SMALL = { prompt: 'a', steps: 2, pagScale: 1, layers: 'mid' };

const prompt = (page: Page) => page.getByRole('textbox', { name: 'Prompt', exact: true });
const bar = (page: Page) => page.getByRole('region', { name: 'History', exact: true });
const entries = (page: Page) => page.getByRole('listbox', { name: 'Pictures made' }).getByRole('option');
const openHistory = (page: Page) =>
  bar(page)
    .getByRole('button', { name: /^History/ })
    .click();

async function make(page: Page, text: string): Promise<void> {
  await prompt(page).fill(text);
  await generate(page);
}

/** The page's own database, for what the test does to it. */
async function offerDatabase(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const table: Offered['table'] = async (name) => {
      const request = indexedDB.open('pagoda.history');
      await new Promise((opened) => (request.onsuccess = opened));
      return request.result.transaction(name, 'readwrite').objectStore(name);
    };
    const answerOf: Offered['answerOf'] = (request) =>
      new Promise((answered) => (request.onsuccess = () => answered(request.result)));
    Object.assign(window, { offered: { table, answerOf } satisfies Offered });
  });
}

interface Offered {
  readonly table: (name: 'entries' | 'thumbnails' | 'pictures') => Promise<IDBObjectStore>;
  readonly answerOf: <T>(request: IDBRequest<T>) => Promise<T>;
}

/** Of the page, as `offerDatabase` puts it there. */
declare const offered: Offered;
test('a picture is found again after a reload, put back, starred, deleted and saved', async ({ page }) => {
  await serveTinyModel(page);
  await openWith(page, SMALL);
  await openHistory(page);
  await expect(bar(page)).toContainText('Each finished picture will be kept here');
  await make(page, 'a red apple');
  const [left, right] = [await pixels(picture(page, 'Without PAG')), await pixels(picture(page, 'With PAG'))];
  await setNumber(page, 'Seed', '8');
  await make(page, 'a green pear');
  await expect(entries(page)).toHaveCount(2);

  await page.reload();
  await expect(entries(page)).toHaveCount(2);
  await expect(entries(page).first()).toHaveAccessibleName(/^a green pear · PAG 1 · seed 8/);
  await page.getByRole('listbox', { name: 'Pictures made' }).focus();
  for (const key of ['ArrowRight', 'ArrowRight', 'Enter']) await page.keyboard.press(key);
  await expect(prompt(page)).toHaveValue('a red apple');
  await expect(number(page, 'Seed')).toHaveValue('7');
  expect(await pixels(picture(page, 'Without PAG'))).toEqual(left);
  expect(await pixels(picture(page, 'With PAG'))).toEqual(right);
  await button(page, 'Undo').click();
  await expect(prompt(page)).toHaveValue(SMALL.prompt);

  await bar(page).getByRole('button', { name: '☆ Star' }).click();
  await expect(entries(page).last()).toHaveAccessibleName(/starred$/);
  await bar(page).getByRole('checkbox', { name: 'Starred' }).check();
  await expect(entries(page)).toHaveCount(1);
  await bar(page).getByRole('checkbox', { name: 'Starred' }).uncheck();
  await page.getByRole('searchbox', { name: 'Search the history' }).fill('PEAR');
  await expect(entries(page)).toHaveCount(1);
  await page.getByRole('searchbox', { name: 'Search the history' }).fill('');
  expect((await new AxeBuilder({ page }).include('section[aria-label="History"]').analyze()).violations).toEqual([]);

  await entries(page).first().click();
  await expect(prompt(page)).toHaveValue('a green pear');
  await bar(page).getByRole('button', { name: 'Delete' }).click();
  await expect(entries(page)).toHaveCount(1);
  await button(page, 'Undo').click();
  await expect(entries(page)).toHaveCount(2);

  const saving = page.waitForEvent('download');
  await button(page, 'Save all as zip').click();
  const files = unzipSync(readFileSync(await (await saving).path()));
  const names = Object.keys(files).map((name) => name.replace(/^\S+ \d+ /, ''));
  expect(names.toSorted()).toEqual([
    'pagoda-a-green-pear-8 without PAG.png',
    'pagoda-a-green-pear-8.png',
    'pagoda-a-red-apple-7 without PAG.png',
    'pagoda-a-red-apple-7.png',
  ]);
  for (const [name, bytes] of Object.entries(files)) {
    const { texts } = await readPngText(new Blob([Uint8Array.from(bytes)]), new Set(['pagoda']));
    const { settings } = JSON.parse(texts.get('pagoda')!) as { settings: { pagScale: number } };
    expect(settings.pagScale).toBe(name.includes('without PAG') ? 0 : 1);
  }
});

test('of three hundred those in sight are drawn; in a full store the oldest without a star go', async ({ page }) => {
  await offerDatabase(page);
  await serveTinyModel(page);
  await openWith(page, SMALL);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: new URL(page.url()).origin, quotaSize: 30_000_000 });
  await openHistory(page);
  await make(page, 'a red apple');
  await expect(entries(page)).toHaveCount(1);
  // Of noise, which no compression makes small.
  await page.evaluate(
    async ({ many, bytes }) => {
      const [entry] = (await offered.answerOf((await offered.table('entries')).getAll())) as object[];
      const [thumbnail] = await offered.answerOf((await offered.table('thumbnails')).getAll());
      const ids = Array.from({ length: many }, (_, at) => `kept${String(at).padStart(3, '0')}`);
      const entries = await offered.table('entries');
      // The very oldest has a star.
      for (const [at, id] of ids.entries())
        entries.put({ ...entry, id, made: 1000 + at, bytes, starred: at === 0 }, id);
      const thumbnails = await offered.table('thumbnails');
      for (const id of ids) thumbnails.put(thumbnail, id);
      const pictures = await offered.table('pictures');
      const noise = () => new Blob([crypto.getRandomValues(new Uint8Array(bytes))]);
      for (const id of ids) pictures.put({ withPag: noise(), withoutPag: null }, id);
      await offered.answerOf(pictures.count());
    },
    { many: 299, bytes: 65_536 },
  );
  await page.reload();
  await expect(bar(page).getByRole('button', { name: 'History 300' })).toBeVisible();
  expect(await entries(page).count()).toBeLessThan(40);
  await page.getByRole('listbox', { name: 'Pictures made' }).focus();
  await page.keyboard.press('End');
  await expect(entries(page).last()).toHaveAttribute('aria-posinset', '300');

  // All but the room for one more is taken by something else.
  await page.evaluate(async () => {
    for (let bytes = 4_194_304; bytes >= 1024; ) {
      const pictures = await offered.table('pictures');
      const noise = new Blob([crypto.getRandomValues(new Uint8Array(65_536)), new Uint8Array(bytes)]);
      pictures.put(noise, `other${Math.random()}`);
      const { transaction } = pictures;
      const isFull = await new Promise<boolean>((ended) => {
        transaction.oncomplete = () => ended(false);
        transaction.onabort = () => ended(true);
      });
      if (isFull) bytes /= 2;
    }
  });
  await make(page, 'a green pear');
  await expect(bar(page)).toContainText(/The \d+ oldest pictures without a star went from the history to make room/);
  await expect(bar(page).getByRole('button', { name: /^History (?!301|300)\d+$/ })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByRole('listbox', { name: 'Pictures made' }).focus();
  await page.keyboard.press('Home');
  await expect(entries(page).first()).toHaveAccessibleName(/^a green pear/);
  await page.keyboard.press('End');
  await expect(entries(page).last()).toHaveAccessibleName(/starred$/);
});

/** Copies of the only entry, the oldest first, with a prompt and a time of their own each. */
async function fill(page: Page, many: number): Promise<void> {
  await page.evaluate(async (count) => {
    const all = async (table: 'entries' | 'thumbnails' | 'pictures') =>
      (await offered.answerOf((await offered.table(table)).getAll()))[0] as never;
    const [entry, thumbnail, pictures] = [await all('entries'), await all('thumbnails'), await all('pictures')];
    const of = entry as { recipe: { settings: object } };
    const put = async (table: 'entries' | 'thumbnails' | 'pictures', value: (at: number, id: string) => unknown) => {
      const store = await offered.table(table);
      for (let at = 0; at < count; at += 1) store.put(value(at, `kept${at}`), `kept${at}`);
      await offered.answerOf(store.count());
    };
    await put('entries', (at, id) => {
      const settings = {
        ...of.recipe.settings,
        prompt: `picture ${at} of ${at % 100 === 0 ? 'a red' : 'a green'} pear`,
      };
      return { ...of, id, made: 1000 + at, recipe: { ...of.recipe, settings } };
    });
    await put('thumbnails', () => thumbnail);
    await put('pictures', () => pictures);
  }, many);
}

test('of a thousand those in sight are drawn and read, however far it is scrolled; words find the others', async ({
  page,
}) => {
  await offerDatabase(page);
  await page.addInitScript(() => {
    const alive = { now: 0, most: 0 };
    const { createObjectURL, revokeObjectURL } = URL;
    URL.createObjectURL = (blob) => {
      alive.now += 1;
      alive.most = Math.max(alive.most, alive.now);
      return createObjectURL(blob);
    };
    URL.revokeObjectURL = (url) => {
      alive.now -= 1;
      revokeObjectURL(url);
    };
    Object.assign(window, { alive });
  });
  await serveTinyModel(page);
  await openWith(page, SMALL);
  await openHistory(page);
  await make(page, 'a red apple');
  await expect(entries(page)).toHaveCount(1);
  await fill(page, 999);
  await page.reload();
  await expect(bar(page).getByRole('button', { name: 'History 1000' })).toBeVisible();
  const strip = page.getByRole('listbox', { name: 'Pictures made' });
  /** Whatever is at the foot: nodes, pictures, and pictures that were read and not let go. */
  const drawn = () =>
    strip.evaluate((element) => ({
      nodes: element.querySelectorAll('*').length,
      pictures: element.querySelectorAll('img').length,
      alive: (window as unknown as { alive: { most: number } }).alive.most,
    }));
  const sight = await strip.evaluate((element) => Math.ceil(element.clientWidth / 80));
  for (let part = 0; part <= 20; part += 1) {
    await strip.evaluate((element, at) => {
      element.scrollLeft = at * (element.scrollWidth - element.clientWidth);
    }, part / 20);
    const first = Math.floor((part / 20) * (1000 - sight));
    await expect(strip.locator(`[aria-posinset="${Math.min(1000, first + 5)}"] img`)).toBeVisible();
    const { nodes, pictures, alive } = await drawn();
    // Those in sight and four beyond either edge: an entry, its picture and its star.
    expect(pictures).toBeLessThanOrEqual(sight + 10);
    expect(nodes).toBeLessThanOrEqual(1 + 3 * (sight + 10));
    // While it moves both those that come and those that go may be there, and what else the page shows.
    expect(alive).toBeLessThanOrEqual(2 * (sight + 10) + 10);
  }
  const search = page.getByRole('searchbox', { name: 'Search the history' });
  await search.fill('RED pear');
  await expect(strip.getByRole('option').first()).toHaveAttribute('aria-setsize', '10');
  await search.fill('picture 777');
  await expect(entries(page)).toHaveCount(1);
  await entries(page).first().click();
  await expect(prompt(page)).toHaveValue('picture 777 of a green pear');
});

test('a damaged entry costs that entry, and it is said', async ({ page }) => {
  await offerDatabase(page);
  await serveTinyModel(page);
  await openWith(page, SMALL);
  await openHistory(page);
  await make(page, 'a red apple');
  await expect(entries(page)).toHaveCount(1);
  await page.evaluate(async () => {
    const entries = await offered.table('entries');
    await offered.answerOf(entries.put({ format: 1, id: 'broken' }, 'broken'));
  });
  await page.reload();
  await expect(bar(page)).toContainText('1 of the history could not be read any more');
  await expect(entries(page)).toHaveCount(1);
});

test('what a moving slider makes in one go is one entry, the last', async ({ page }) => {
  await serveTinyModel(page);
  await openWith(page, SMALL);
  await page.getByRole('switch', { name: 'Live', exact: true }).check();
  await openHistory(page);
  await make(page, 'a red apple');
  for (const scale of ['2', '3', '4']) {
    await setNumber(page, 'PAG scale', scale);
    await expect(entries(page).first()).toHaveAccessibleName(new RegExp(`PAG ${scale} `));
  }
  await expect(entries(page)).toHaveCount(2);
});

test('where the browser stores nothing the history lasts for the visit, and that is said once', async ({ page }) => {
  await page.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('refused', 'SecurityError');
    };
  });
  await serveTinyModel(page);
  await openWith(page, SMALL);
  await openHistory(page);
  await make(page, 'a red apple');
  await expect(bar(page)).toContainText('the history lasts for this visit');
  await button(page, 'Dismiss what was said of the history').click();
  await make(page, 'a green pear');
  await expect(entries(page)).toHaveCount(2);
  await expect(bar(page)).not.toContainText('the history lasts for this visit');
});
