// The timeline of a run: its steps, what PAG steers away from, and a run that goes on from one of them with other
// settings.

import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { button, generate, meanDifference, number, openWith, picture, pixels, setNumber } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

const step = (page: Page, name: string) => page.getByRole('img', { name, exact: true });

/** Of a step, once it is decoded. */
async function decoded(page: Page, name: string): Promise<number[]> {
  await expect(page.locator('[aria-busy]').filter({ has: step(page, name) })).toHaveAttribute('aria-busy', 'false');
  return pixels(step(page, name));
}

test('a run that was made with the timeline closed has its steps, which a slider goes through', async ({ page }) => {
  await serveTinyModel(page);
  await openWith(page, { prompt: 'a', steps: 4, pagScale: 3, layers: 'mid' });
  await generate(page);
  const done = await page.getByRole('status').textContent();
  await page.getByText('Timeline', { exact: true }).click();
  const slider = page.getByRole('slider', { name: 'Step' });
  await expect(slider).toHaveAttribute('max', '3');
  // The last step is the pair itself, but for the little noise that DDIM leaves.
  for (const name of ['With PAG', 'Without PAG'] as const) {
    const estimate = await decoded(page, name.replace('With', 'Step with'));
    expect(meanDifference(estimate, await pixels(picture(page, name)))).toBeLessThan(1);
  }
  const last = await decoded(page, 'What PAG steers away from');
  await slider.fill('0');
  await expect(slider).toHaveAttribute('aria-valuetext', 'Step 1');
  expect(meanDifference(await decoded(page, 'What PAG steers away from'), last)).toBeGreaterThan(0);
  // Nothing was run for it.
  expect(await page.getByRole('status').textContent()).toBe(done);
  expect((await new AxeBuilder({ page }).include('main').analyze()).violations).toEqual([]);
});

test('from a step on a picture gets another PAG scale: the one that a whole run with this change makes', async ({
  page,
  context,
}) => {
  const settings = { prompt: 'a', steps: 4, pagScale: 3, layers: 'mid', scheduler: 'dpmpp-2m' };
  await serveTinyModel(page);
  await openWith(page, settings);
  await page.getByText('Timeline', { exact: true }).click();
  await generate(page);
  const first = await pixels(picture(page, 'With PAG'));
  const without = await pixels(picture(page, 'Without PAG'));
  const slider = page.getByRole('slider', { name: 'Step' });
  await slider.fill('0');
  await expect(button(page, 'From here on')).toBeDisabled();
  await slider.fill('2');
  const atStep = await decoded(page, 'Step with PAG');
  await button(page, 'From here on').click();
  const changes = page.getByRole('list', { name: 'Changes on the way' });
  await expect(changes).toHaveText(/^From step 3 on: what you change now/);
  await setNumber(page, 'PAG scale', '20');
  await expect(changes).toHaveText('From step 3 on: PAG scale 20');
  expect((await new AxeBuilder({ page }).include('main').analyze()).violations).toEqual([]);
  await generate(page);
  await page.getByText('What PAG is doing', { exact: true }).click();
  await expect(page.getByText('The first 2 steps are those that were there before.')).toBeVisible();
  const changed = await pixels(picture(page, 'With PAG'));
  expect(meanDifference(changed, first)).toBeGreaterThan(0);
  expect(await pixels(picture(page, 'Without PAG'))).toEqual(without);
  // All steps are there, those before the change too.
  await expect(slider).toHaveAttribute('max', '3');
  await slider.fill('1');
  await expect(page.getByRole('img', { name: 'Step without PAG', exact: true })).toBeVisible();
  await slider.fill('2');
  expect(meanDifference(await decoded(page, 'Step with PAG'), atStep)).toBeGreaterThan(0);

  // The recipe says it, and a page that knows nothing of the first run makes it again.
  await button(page, 'Recipe').click();
  await expect(page.getByText('From step 3 on: PAG scale 20').last()).toBeVisible();
  await page.keyboard.press('Escape');
  const stored = await page.evaluate(() => localStorage.getItem('pagoda.settings'));
  expect(JSON.parse(stored!)).toMatchObject({ pagScale: 20, earlier: [{ until: 2, pagScale: 3 }] });
  const other = await context.newPage();
  await serveTinyModel(other);
  await openWith(other, JSON.parse(stored!) as Record<string, unknown>);
  await generate(other);
  expect(await pixels(picture(other, 'With PAG'))).toEqual(changed);
  await other.close();

  await button(page, 'Take away').click();
  await expect(changes).toBeHidden();
  await expect(number(page, 'PAG scale')).toHaveValue('3');
  await generate(page);
  expect(await pixels(picture(page, 'With PAG'))).toEqual(first);
});

test('the steps are saved as an animation that ends in the pair', async ({ page }) => {
  await serveTinyModel(page);
  await openWith(page, { prompt: 'a', steps: 4, pagScale: 3, layers: 'mid' });
  await page.getByText('Timeline', { exact: true }).click();
  await generate(page);
  const saving = page.waitForEvent('download');
  await button(page, 'Save steps as GIF').click();
  const download = await saving;
  expect(download.suggestedFilename()).toBe('pagoda-a-7-steps.gif');
  const bytes = readFileSync(await download.path());
  // By the browser's own decoder.
  const { frames, loops, durations, last } = await page.evaluate(
    async (data) => {
      const decoder = new ImageDecoder({ type: 'image/gif', data: new Uint8Array(data) });
      await decoder.tracks.ready;
      const track = decoder.tracks.selectedTrack!;
      const images = [];
      for (let at = 0; at < track.frameCount; at += 1) images.push((await decoder.decode({ frameIndex: at })).image);
      const { displayWidth: width, displayHeight: height } = images.at(-1)!;
      return {
        frames: track.frameCount,
        loops: track.repetitionCount,
        durations: images.map(({ duration }) => (duration ?? 0) / 1000),
        last: [width, height],
      };
    },
    [...bytes],
  );
  expect([frames, loops]).toEqual([5, Infinity]);
  expect(durations).toEqual([400, 400, 400, 400, 2000]);
  expect(last[0]).toBeGreaterThan(last[1]!);
});

test('a pair that is put back from the history has its steps, after a reload too, and is gone on from', async ({
  page,
}) => {
  await openWith(page, { prompt: 'red apple', steps: 4, pagScale: 3, layers: 'mid', scheduler: 'dpmpp-2m' });
  await generate(page);
  await page.getByText('Timeline', { exact: true }).click();
  const slider = page.getByRole('slider', { name: 'Step' });
  await slider.fill('1');
  const NAMES = ['Step without PAG', 'Step with PAG', 'What PAG steers away from', 'Where PAG pushes'];
  const all = async () => {
    const pictures = [];
    for (const name of NAMES) pictures.push(await decoded(page, name));
    return pictures;
  };
  const before = await all();
  await button(page, 'History 1').click();
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/models/pocket/**', async (route) => {
    await held;
    await route.continue();
  });
  await page.reload();
  await page.getByRole('listbox', { name: 'Pictures made' }).getByRole('option').click();
  await page.getByText('Timeline', { exact: true }).click();
  await slider.fill('1');
  // A pixel a latent, until the VAE is there.
  await expect(page.getByText('Steps are shown coarsely until the model is loaded.')).toBeVisible();
  const coarse = await pixels(step(page, 'Step with PAG'));
  expect(meanDifference(coarse, before[1]!)).toBeGreaterThan(1);
  expect(meanDifference(coarse, before[1]!)).toBeLessThan(60);
  release();
  await expect(page.getByText(/^Steps are shown coarsely/)).toBeHidden({ timeout: 60_000 });
  expect(await all()).toEqual(before);
  await slider.fill('2');
  // The device is known once the engine is there.
  await expect(page.getByRole('status')).toContainText('CPU');
  await button(page, 'From here on').click();
  await setNumber(page, 'PAG scale', '6');
  await generate(page);
  await page.getByText('What PAG is doing', { exact: true }).click();
  await expect(page.getByText('The first 2 steps are those that were there before.')).toBeVisible();
  await expect(slider).toHaveAttribute('max', '3');
});
