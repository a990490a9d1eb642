// Errors of the page itself, provoked: what throws while it is drawn takes out its own part and no more, settings and
// pictures stay, there is a way back, and what nobody catches is said.

import { expect, test, type Page } from '@playwright/test';
import { button, generate, number, openWith, picture, pixels } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

/** Something that drawing needs throws from now on, until it is called again with `false`. */
async function breakDrawing(page: Page, what: 'the recipe' | 'the page', broken = true): Promise<void> {
  await page.evaluate(
    ([part, on]) => {
      const kept = ((self as unknown as { kept?: unknown }).kept ??= {
        stringify: JSON.stringify,
        toFixed: Number.prototype.toFixed,
      }) as { stringify: typeof JSON.stringify; toFixed: typeof Number.prototype.toFixed };
      const provoked = () => {
        throw new Error('provoked');
      };
      // Exports are indented by two; storage is not.
      const stringify = (...args: Parameters<typeof JSON.stringify>) =>
        args[2] === 2 ? provoked() : kept.stringify(...args);
      if (part === 'the recipe') JSON.stringify = on ? (stringify as typeof JSON.stringify) : kept.stringify;
      else Number.prototype.toFixed = on ? provoked : kept.toFixed;
    },
    [what, broken] as const,
  );
}

test('a dialog, the page, and what nobody catches: nothing is lost, and there is a way back', async ({ page }) => {
  await serveTinyModel(page);
  await openWith(page, { layers: 'mid', steps: 2, prompt: 'a kept prompt' });
  await generate(page);
  const made = await pixels(picture(page, 'With PAG'));
  const alert = page.getByRole('alert');

  await breakDrawing(page, 'the recipe');
  await button(page, 'Recipe').click();
  await expect(page.getByRole('dialog', { name: 'Recipe' })).toContainText('The recipe cannot be shown');
  expect(await pixels(page.getByLabel('With PAG', { exact: true }))).toEqual(made);
  await breakDrawing(page, 'the recipe', false);
  await button(page, 'Show it again').click();
  await expect(page.getByRole('dialog', { name: 'Recipe' })).toContainText('a kept prompt');
  await button(page, 'Close').click();

  await breakDrawing(page, 'the page');
  await number(page, 'Steps').fill('3');
  await button(page, 'Generate').click();
  await expect(alert).toContainText('this page could not be drawn');
  const saving = page.waitForEvent('download');
  await button(page, 'Save PNG').click();
  await saving;
  await breakDrawing(page, 'the page', false);
  await button(page, 'Show the page again').click();
  await expect(number(page, 'Steps')).toHaveValue('3');
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).toHaveValue('a kept prompt');
  await expect(page.getByRole('status')).toContainText('Done in');
  await expect(picture(page, 'Without PAG')).not.toHaveAttribute('data-empty', 'true');

  await page.evaluate(() => {
    setTimeout(() => {
      throw new Error('thrown on purpose');
    });
  });
  await expect(alert).toContainText('Something in Pagoda failed: thrown on purpose.');
  await page.evaluate(() => {
    void Promise.reject(new Error('refused on purpose'));
    void Promise.reject(new Error('refused on purpose'));
    void Promise.reject(new DOMException('left', 'AbortError'));
  });
  await expect(alert).toContainText('failed (2 times): refused on purpose.');
  await button(page, 'Dismiss').click();
  await expect(alert).toHaveCount(0);
  await generate(page);
});
