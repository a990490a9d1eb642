// A recipe's way: into the saved picture, out of it on a page with other settings, into other programs; pictures of
// other programs and damaged ones.

import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Locator, type Page } from '@playwright/test';
import { writePngText } from '../src/image/pngText';
import {
  button,
  generate,
  holdModel,
  meanDifference,
  number,
  openWith,
  picture,
  pixels,
  setNumber,
  unfold,
} from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

const OWN = {
  prompt: 'a red apple',
  negativePrompt: 'a cat',
  seed: 4294967299,
  steps: 3,
  guidanceScale: 4.5,
  pagScale: 2.5,
  layers: 'd0,m0',
  scheduler: 'euler',
  sigmas: 'karras',
  spacing: 'trailing',
};
const A1111 =
  'a green apple\nNegative prompt: a dog\nSteps: 12, Sampler: DPM++ 2M Karras, CFG scale: 6, Seed: 99, ' +
  'Size: 512x768, ' +
  'Model: sd15, pag_enabled: True, pag_scale: 2, pag_block: middle, pag_block_id: 0, Hires upscaler: Latent';
// One black pixel (grey, 8 bits), as Pillow writes it.
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64',
);

const notice = (page: Page) => page.getByRole('region', { name: 'Opened recipe' });
const prompt = (page: Page) => page.getByRole('textbox', { name: 'Prompt', exact: true });
const dialog = (page: Page) => page.getByRole('dialog', { name: 'Recipe' });

/** Drops a file on the page, as from the desktop. */
async function drop(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  const transfer = await page.evaluateHandle(
    ([file, base64]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], file));
      return data;
    },
    [name, Buffer.from(bytes).toString('base64')] as const,
  );
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
}

async function saved(page: Page, press: Locator): Promise<Buffer> {
  const waiting = page.waitForEvent('download');
  await press.click();
  return readFileSync(await (await waiting).path());
}

async function storedSettings(page: Page): Promise<Record<string, unknown>> {
  return page.evaluate(() => JSON.parse(localStorage.getItem('pagoda.settings') ?? '{}') as Record<string, unknown>);
}

async function noFaults(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(bad.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
    page.viewportSize()?.width ?? 0,
  );
}

test('a saved picture restores its settings on a page with others, and they make the same picture', async ({
  page,
  browser,
}) => {
  await serveTinyModel(page);
  await openWith(page, OWN);
  await expect(button(page, 'Recipe')).toBeDisabled();
  await generate(page);
  // What is saved is the run that was made, not what the form says since.
  await setNumber(page, 'Seed', '1');
  const png = await saved(page, button(page, 'Save PNG'));
  const before = await pixels(picture(page, 'With PAG'));

  const context = await browser.newContext({ serviceWorkers: 'block' });
  const other = await context.newPage();
  await serveTinyModel(other);
  await openWith(other, { prompt: 'a dog', compare: false, pagScale: 0, steps: 9 });
  await drop(other, 'apple.png', png);
  await expect(notice(other)).toContainText('The settings are now those of apple.png.');
  await expect(notice(other).locator(':focus')).toHaveText(/settings are now/);
  await expect(notice(other)).not.toContainText('not taken over');
  await expect(notice(other)).not.toContainText('model');
  expect(await storedSettings(other)).toMatchObject({ ...OWN, compare: false });
  await expect(prompt(other)).toHaveValue(OWN.prompt);
  await generate(other);
  expect(meanDifference(await pixels(picture(other, 'With PAG')), before)).toBe(0);

  await button(other, 'Undo').click();
  await expect(notice(other)).toHaveCount(0);
  await expect(prompt(other)).toHaveValue('a dog');
  await expect(number(other, 'Steps')).toHaveValue('9');
  await context.close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the recipe to read and to take elsewhere, ${colorScheme} and at 360 pixels`, async ({ page, context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 360, height: 740 });
    await serveTinyModel(page);
    await openWith(page, OWN);
    await generate(page);
    await button(page, 'Recipe').click();
    await expect(dialog(page)).toContainText('a red apple');
    await expect(dialog(page)).toContainText('Euler, Karras sigmas, trailing timesteps');
    await expect(dialog(page)).toContainText(/d0,m0 \(2 self-attentions\)/);
    await noFaults(page);
    const text = dialog(page).getByRole('textbox');
    await expect(dialog(page)).toContainText('The built-in model is in Pagoda alone');
    await expect(text).toHaveValue(/^a red apple\nNegative prompt: a cat\nSteps: 3, Sampler: Euler/);
    // By the keyboard: the arrow keys go from one format to the next.
    await page.getByRole('radio', { name: 'A1111' }).focus();
    await page.keyboard.press('ArrowRight');
    await expect(page.getByRole('radio', { name: 'JSON' })).toBeChecked();
    const json = await saved(page, button(page, 'Save file'));
    expect(JSON.parse(json.toString())).toMatchObject({ format: 'pagoda', model: { id: 'pocket' }, settings: OWN });
    await page.keyboard.press('Shift+Tab');
    await page.getByRole('radio', { name: 'ComfyUI' }).check();
    await expect(dialog(page)).toContainText('sd-perturbed-attention, which must be installed');
    expect(JSON.parse(await text.inputValue())).toMatchObject({
      6: { class_type: 'SamplerCustom', inputs: { noise_seed: OWN.seed } },
      11: { class_type: 'KarrasScheduler' },
    });
    await page.getByRole('radio', { name: 'diffusers' }).check();
    await noFaults(page);
    await button(page, 'Copy').click();
    await expect(dialog(page).getByRole('status')).toHaveText('Copied.');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(
      /^# A picture of Pagoda[^]*EulerDiscreteScheduler\.from_config/,
    );
    await page.keyboard.press('Escape');
    await expect(dialog(page)).toHaveCount(0);
    await expect(button(page, 'Recipe')).toBeFocused();
    await drop(page, 'recipe.json', json);
    await expect(notice(page)).toContainText('The settings are now those of recipe.json.');
  });
}

test('a long prompt with weights is counted as it is typed, read whole, and comes back with how it was read', async ({
  page,
}) => {
  await serveTinyModel(page);
  await openWith(page, { ...OWN, emphasis: 'plain' });
  await unfold(page, 'How prompts and the model are read');
  const reading = page.getByLabel('Read prompts as');
  const words = `(a (red:1.4) apple:1.2) [and] a cat BREAK ${'a red apple '.repeat(6)}(on a wall)`;
  await prompt(page).fill(words);
  await expect(page.getByText(/^Too long: the model reads 14 of/)).toBeVisible();
  await generate(page);
  const plain = await pixels(picture(page, 'With PAG'));
  await reading.selectOption('A1111');
  await expect(page.getByText(/^\d\d of 14 × [3-9] tokens$/)).toBeVisible();
  await expect(page.getByText(/^Too long/)).toHaveCount(0);
  await prompt(page).fill(`${words} [a:b:2]`);
  await expect(page.getByText('“[a:b:2]” is prompt editing')).toBeVisible();
  await prompt(page).fill(words);
  await generate(page);
  const weighed = await pixels(picture(page, 'With PAG'));
  expect(meanDifference(plain, weighed)).toBeGreaterThan(0.5);

  await button(page, 'Recipe').click();
  await expect(dialog(page)).toContainText('Prompts read as');
  await page.keyboard.press('Escape');
  const png = await saved(page, button(page, 'Save PNG'));
  await prompt(page).fill('a dog');
  await reading.selectOption('ComfyUI');
  await drop(page, 'apple.png', png);
  await expect(notice(page)).toContainText('The settings are now those of apple.png.');
  await expect(prompt(page)).toHaveValue(words);
  await expect(reading).toHaveValue('a1111');
  await generate(page);
  expect(meanDifference(weighed, await pixels(picture(page, 'With PAG')))).toBe(0);
});

test('texts: the end that is not read is shown, and what no field takes is left out with a sentence', async ({
  page,
  context,
}) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await serveTinyModel(page);
  await openWith(page, { ...OWN, prompt: 'a red apple', emphasis: 'plain' });
  await expect(page.getByText(/^\d+ of 14 tokens$/).first()).toBeVisible();
  await prompt(page).fill(`${'a red apple '.repeat(6)}on a wall`);
  await expect(page.getByText(/^Too long: the model reads 14 of \d+ tokens\. Not read: “.*on a wall”$/)).toBeVisible();
  await setNumber(page, 'CFG scale', '1');
  await expect(page.getByText('Not read: CFG is off at a scale of 1.')).toBeVisible();
  await noFaults(page);

  // What is pasted is bounded before the field lays it out.
  await prompt(page).evaluate((field) => {
    field.addEventListener(
      'input',
      () => {
        field.dataset['longest'] = String(
          Math.max(Number(field.dataset['longest'] ?? 0), (field as HTMLTextAreaElement).value.length),
        );
      },
      { capture: true },
    );
  });
  const paste = async (text: string) => {
    await prompt(page).fill('');
    await page.evaluate((words) => navigator.clipboard.writeText(words), text);
    await prompt(page).press('ControlOrMeta+v');
  };
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await paste(`e${'\u0301'.repeat(100_000)}`);
  await expect(page.getByText('A letter has at most 30 marks')).toBeVisible();
  await expect(prompt(page)).toHaveValue(`e${'\u0301'.repeat(30)}`);
  await paste(`${'a'.repeat(1999)}🍎 and more`);
  await expect(page.getByText('This field takes 2000 letters; the rest was left out.')).toBeVisible();
  await expect(prompt(page)).toHaveValue('a'.repeat(1999));
  expect(await prompt(page).evaluate((field) => Number(field.dataset['longest']))).toBeLessThanOrEqual(2000);
  await page.getByRole('combobox', { name: 'Layers' }).fill('d0'.repeat(2000));
  await expect(page.getByText(/No self-attention of this model matches “(d0){30}…”/)).toBeVisible();
  await noFaults(page);
  expect((await storedSettings(page))['prompt']).toBe('a'.repeat(1999));
});

test('a picture of A1111 gives what can be taken, and the rest is listed with why', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await holdModel(page);
  await openWith(page, {});
  const chooser = page.waitForEvent('filechooser');
  await button(page, 'Open recipe').click();
  await (await chooser).setFiles({
    name: 'forge.png',
    mimeType: 'image/png',
    buffer: Buffer.from(writePngText(PIXEL, { parameters: A1111 })),
  });
  await expect(notice(page)).toContainText('1 setting was not taken over');
  // Without a word A1111's noise is the GPU's.
  await expect(page.getByLabel('Noise', { exact: true })).toHaveValue('gpu');
  await expect(notice(page)).toContainText('Hires upscaler: Latent');
  await expect(notice(page)).toContainText('the model sd15, which is not the one chosen');
  await expect(button(page, 'Model: Pocket (built in). Change')).toBeVisible();
  expect(await storedSettings(page)).toMatchObject({
    prompt: 'a green apple',
    negativePrompt: 'a dog',
    steps: 12,
    guidanceScale: 6,
    width: 512,
    height: 768,
    seed: 99,
    pagScale: 2,
    layers: 'mid',
    scheduler: 'dpmpp-2m',
    sigmas: 'karras',
  });
  await noFaults(page);
});

test('a wrong or damaged file is refused with a sentence, and nothing is lost', async ({ page }) => {
  await holdModel(page);
  await openWith(page, OWN);
  await setNumber(page, 'Steps', '5');
  const before = await storedSettings(page);
  const damaged = Buffer.from(writePngText(PIXEL, { parameters: A1111 }));
  damaged[60]! ^= 1;
  const cases: [string, Uint8Array, string][] = [
    ['damaged.png', damaged, 'its checksum is wrong'],
    ['plain.png', PIXEL, 'no settings in it that Pagoda reads'],
    ['photo.jpg', Uint8Array.of(0xff, 0xd8, 0xff), 'neither a comment of A1111 or Forge in it'],
    ['other.json', Buffer.from('{"format": "other"}'), 'not a recipe of Pagoda'],
  ];
  for (const [name, bytes, sentence] of cases) {
    await drop(page, name, bytes);
    await expect(notice(page)).toContainText(`${name}: `);
    await expect(notice(page)).toContainText(sentence);
    await expect(notice(page)).toContainText('Nothing was changed.');
    await expect(notice(page).getByRole('button', { name: 'Undo' })).toHaveCount(0);
  }
  expect(await storedSettings(page)).toEqual(before);
  await noFaults(page);
  await button(page, 'Dismiss').click();
  await expect(notice(page)).toHaveCount(0);
});
