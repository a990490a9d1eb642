// Working by keyboard and by ear: keys that are for something else act on no run, a caption stays with its picture, the
// focus never falls to the body, and a run is not announced step by step.

import { expect, test, type Page } from '@playwright/test';
import { button, generate, holdModel, number, openWith, picture, pixels, unfold } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

/** Which runs the page has asked for and cancelled, in order. */
async function asked(page: Page): Promise<readonly string[]> {
  return page.evaluate(() =>
    (self as unknown as { asked: string[] }).asked.filter((type) => /generate|cancel/.test(type)),
  );
}

async function recordRequests(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const all: string[] = [];
    Object.assign(self, { asked: all });
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function record(this: Worker, ...args: Parameters<typeof post>) {
      all.push(String((args[0] as { type?: unknown } | null)?.type));
      post.apply(this, args);
    } as typeof post;
  });
}

test('keys that are for an IME, a list or a dialog start and cancel nothing, and held keys act once', async ({
  page,
}) => {
  await recordRequests(page);
  // A model that never comes: the run neither begins nor ends by itself.
  await holdModel(page);
  await page.goto('/');
  const prompt = page.getByRole('textbox', { name: 'Prompt', exact: true });

  await button(page, 'Model: Pocket (built in). Change').click();
  await page.getByRole('textbox', { name: 'Repository' }).press('Control+Enter');
  await page.keyboard.down('Escape');
  await page.keyboard.down('Escape');
  await page.keyboard.up('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(await asked(page)).toEqual([]);

  // What is being typed is taken, and stays where it is typed.
  await number(page, 'Steps').fill('7');
  await page.keyboard.down('Control');
  await page.keyboard.down('Enter');
  await page.keyboard.down('Enter');
  await page.keyboard.up('Enter');
  await page.keyboard.up('Control');
  await expect(number(page, 'Steps')).toBeFocused();
  await expect(number(page, 'Steps')).toHaveValue('7');
  expect(await asked(page)).toEqual(['generate']);
  await expect(button(page, 'Cancel')).toBeEnabled();

  await number(page, 'Steps').fill('８ ');
  await number(page, 'Steps').dispatchEvent('keydown', { key: 'Enter', bubbles: true, isComposing: true });
  await expect(number(page, 'Steps')).toHaveValue('８ ');
  await prompt.focus();
  for (const composing of [{ isComposing: true }, { keyCode: 229 }]) {
    await prompt.dispatchEvent('keydown', { key: 'Escape', bubbles: true, ...composing });
  }
  const layers = page.getByRole('combobox', { name: 'Layers' });
  await layers.fill('d');
  await layers.press('Escape');
  await unfold(page, 'Sampling');
  await page.getByRole('combobox', { name: 'Scheduler' }).focus();
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { name: 'Pagoda' }).click();
  await page.keyboard.press('?');
  await expect(page.getByRole('complementary', { name: 'Keys' })).toBeVisible();
  await page.keyboard.down('Escape');
  await page.keyboard.down('Escape');
  await page.keyboard.up('Escape');
  await expect(page.getByRole('complementary', { name: 'Keys' })).toHaveCount(0);
  expect(await asked(page)).toEqual(['generate']);

  // The list that an Esc has closed is not there for the next one.
  await layers.press('Escape');
  await layers.press('Escape');
  expect(await asked(page)).toEqual(['generate', 'cancel']);
});

test('a caption goes with its picture, held or let go anywhere', async ({ page }) => {
  await serveTinyModel(page);
  await openWith(page, { layers: 'mid', steps: 2 });
  await generate(page);
  const names = () => page.getByRole('region', { name: 'Images' }).getByRole('figure').allInnerTexts();
  const both = async () => [await pixels(picture(page, 'Without PAG')), await pixels(picture(page, 'With PAG'))];
  const right = await both();
  expect(right[0]).not.toEqual(right[1]);
  await page.getByRole('heading', { name: 'Pagoda' }).click();
  await page.keyboard.down(' ');
  await expect.poll(names).toEqual(['With PAG', 'Without PAG']);
  expect(await both()).toEqual(right);

  // The window loses the focus: the key comes up elsewhere.
  await page.evaluate(() => window.dispatchEvent(new Event('blur')));
  await expect.poll(names).toEqual(['Without PAG', 'With PAG']);
  expect(await both()).toEqual(right);
  await page.keyboard.up(' ');

  await page.getByRole('radio', { name: 'Side by side' }).press('ArrowRight');
  await expect(page.getByRole('radio', { name: 'Wipe' })).toBeFocused();
  const wipe = page.getByRole('slider', { name: 'Wipe' });
  await wipe.press('End');
  await expect.poll(names).toEqual(['Without PAG']);
  await wipe.press('Home');
  await expect.poll(names).toEqual(['With PAG']);
});

test('the focus goes on where its place goes away, and a run is announced six times at most', async ({ page }) => {
  await page.addInitScript(() => {
    addEventListener('DOMContentLoaded', () => {
      const heard: string[] = [];
      Object.assign(self, { heard });
      const isLive = (node: Node) => {
        const place = (node instanceof Element ? node : node.parentElement)?.closest(
          '[aria-live], [role="status"], [role="alert"]',
        );
        return place && place.getAttribute('aria-live') !== 'off';
      };
      new MutationObserver((changes) => {
        for (const { target } of changes) if (isLive(target)) heard.push(target.textContent ?? '');
      }).observe(document, { subtree: true, childList: true, characterData: true });
    });
  });
  const heard = () => page.evaluate(() => (self as unknown as { heard: string[] }).heard.splice(0));
  await serveTinyModel(page, { changes: { 'unet/model.onnx': () => 'missing' } });
  await openWith(page, { layers: 'mid', steps: 20 });
  await page.getByRole('alert').getByRole('button', { name: 'Dismiss' }).press('Enter');
  await expect(button(page, 'Generate')).toBeFocused();

  await serveTinyModel(page);
  await generate(page);
  await heard();
  await button(page, 'Generate').press('Enter');
  await expect(page.getByRole('status')).toContainText('Done in');
  const said = await heard();
  expect(said[0]).toBe('Generating');
  expect(said.at(-1)).toMatch(/^Done in/);
  // Steps that come at once may be drawn at once.
  const fifths = ['Generating', 'Step 4 of 20', 'Step 8 of 20', 'Step 12 of 20', 'Step 16 of 20'];
  expect(fifths).toEqual(expect.arrayContaining(said.slice(0, -1)));
  expect(new Set(said).size).toBe(said.length);

  await number(page, 'Steps').fill('150');
  await button(page, 'Generate').press('Enter');
  await button(page, 'Cancel').press('Enter');
  await expect(page.getByRole('status')).toContainText('Cancelled');
  await expect(button(page, 'Generate')).toBeFocused();
});
