// The pictures that people bring (fixtures/recipe/cases), through the page's own file input, in one page: what is
// taken, what is listed, and the error. Node reads the same ones in src/store/recipeCases.test.ts.

import { expect, test } from '@playwright/test';
import { recipeCases } from '../fixtures/recipe/cases';
import { holdModel, openWith } from './support/page';

test.use({ serviceWorkers: 'block' });

/** Other settings than those of any picture. */
const BEFORE: Readonly<Record<string, unknown>> = {
  prompt: 'before',
  negativePrompt: 'before',
  steps: 77,
  emphasis: 'plain',
  seed: 5,
  guidanceScale: 9.25,
  pagScale: 9.5,
  layers: 'd0',
  scheduler: 'lcm',
  sigmas: 'beta',
};

test('each picture is taken or refused as it should be', async ({ page }) => {
  await holdModel(page);
  await openWith(page, BEFORE);
  const notice = page.getByRole('region', { name: 'Opened recipe' });
  for (const { name, path, settings, listed, error, notSettings } of recipeCases) {
    await test.step(name, async () => {
      await page.getByLabel('Recipe file').setInputFiles(path);
      await expect(notice).toContainText(name);
      if (error !== null) await expect(notice).toContainText(new RegExp(`${error}.* Nothing was changed`));
      else {
        await expect(notice).toContainText('The settings are now those of');
        const stored = await page.evaluate(
          () => JSON.parse(localStorage.getItem('pagoda.settings') ?? '{}') as Record<string, unknown>,
        );
        expect(stored).toMatchObject(settings);
        for (const key of notSettings) expect(stored).toHaveProperty(key, BEFORE[key]);
        const terms = (await notice.locator('dt').allTextContents()).map((text) => text.replace(/: .*$/s, ''));
        for (const pattern of listed) {
          expect(
            terms.filter((term) => new RegExp(pattern, 'i').test(term)),
            `${pattern} in ${terms.join(', ')}`,
          ).not.toEqual([]);
        }
        await notice.getByRole('button', { name: 'Undo' }).click();
      }
      if (error !== null) await notice.getByRole('button', { name: 'Dismiss' }).click();
    });
  }
});
