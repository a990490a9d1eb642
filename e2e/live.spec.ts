// Live mode on the CPU: the slider is dragged, and the picture with PAG follows; the one without it is not made again.

import { expect, test, type Page } from '@playwright/test';
import { engineWorker, prependToEngine, restoreEngine } from './support/engineWorker';
import { generate, meanDifference, number, openWith, picture, pixels, setNumber } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

const SMALL = { prompt: 'a', steps: 2, pagScale: 1, layers: 'mid' };
/** What the engine is asked for, as it hears it. */
const LISTEN = `{
  self.__heard = [];
  self.addEventListener('message', ({ data: { type, settings } }) => {
    if (type === 'generate') self.__heard.push(settings.pagScale);
    if (type === 'cancel') self.__heard.push('cancel');
  });
}`;

const live = (page: Page) => page.getByRole('switch', { name: 'Live', exact: true });
const statusLine = (page: Page) => page.getByRole('status');

async function heard(page: Page): Promise<(number | 'cancel')[]> {
  const worker = await engineWorker(page);
  return worker.evaluate(() => (self as unknown as { readonly __heard: (number | 'cancel')[] }).__heard);
}

/** Over the slider's track, in ten moves. */
async function drag(page: Page, from: number, to: number): Promise<void> {
  const track = page.getByRole('slider', { name: 'PAG scale' }).locator('..');
  await track.scrollIntoViewIfNeeded();
  const box = (await track.boundingBox())!;
  const at = (share: number) => box.x + box.width * share;
  const y = box.y + box.height / 2;
  await page.mouse.move(at(from), y);
  await page.mouse.down();
  await page.mouse.move(at(to), y, { steps: 10 });
  await page.mouse.up();
}

test('the slider is dragged: the right picture follows, the left one stays where and as it is', async ({ page }) => {
  await serveTinyModel(page);
  await prependToEngine(page, LISTEN);
  await openWith(page, SMALL);
  // On a machine this busy a pair may take any time.
  await live(page).check();
  await expect(page.getByText('how long a pair takes here is known when one is done')).toBeVisible();
  await generate(page);
  await expect(page.getByText('The picture with PAG follows what you change')).toBeVisible();
  const [left, right] = [picture(page, 'Without PAG'), picture(page, 'With PAG')];
  await left.evaluate((canvas) => canvas.setAttribute('data-seen', 'before'));
  const [without, withPag] = [await pixels(left), await pixels(right)];

  await drag(page, 0.2, 0.8);
  await expect.poll(async () => meanDifference(await pixels(right), withPag)).toBeGreaterThan(0);
  const scale = Number(await number(page, 'PAG scale').inputValue());
  expect(scale).toBeGreaterThan(1);
  await expect.poll(async () => (await heard(page)).filter((one) => one !== 'cancel').at(-1)).toBe(scale);
  await expect(statusLine(page)).toContainText('Done in');
  await expect(left).toHaveAttribute('data-seen', 'before');
  expect(await pixels(left)).toEqual(without);
  await page.getByText('What PAG is doing').click();
  await expect(page.getByText(/2 rows up\s+to the first of them and 3 behind it/)).toContainText('was there before');

  // The button's run, then the slider's: each but the last is done before the next is asked for, or told to end.
  const history = await heard(page);
  expect(history[0]).toBe(1);
  const asked = history.filter((one) => one !== 'cancel');
  expect(new Set(asked).size).toBe(asked.length);
  // The button makes the same of these settings.
  const followed = await pixels(right);
  await generate(page);
  expect([await pixels(left), await pixels(right)]).toEqual([without, followed]);
});

test('switched off it waits for the button, and stays off over a reload; a click on a layer follows when on', async ({
  page,
}) => {
  await serveTinyModel(page);
  await prependToEngine(page, LISTEN);
  await openWith(page, SMALL);
  await live(page).check();
  await generate(page);
  const right = picture(page, 'With PAG');
  const before = await pixels(right);
  await page.getByRole('button', { name: /^d0, / }).click();
  await expect.poll(async () => meanDifference(await pixels(right), before)).toBeGreaterThan(0);
  await expect(statusLine(page)).toContainText('Done in');
  expect(await heard(page)).toEqual([1, 1]);
  await live(page).uncheck();
  await setNumber(page, 'PAG scale', '9');
  await restoreEngine(page);
  await page.reload();
  await expect(live(page)).not.toBeChecked();
  await expect(page.getByText('Off: what you change waits for Generate.')).toBeVisible();
});
