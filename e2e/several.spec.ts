// Several images of a run of which the engine dies behind the first: that one is kept, in the history too, and it is
// said which are not there.

import { expect, test } from '@playwright/test';
import { prependToEngine, restoreEngine } from './support/engineWorker';
import { button, openWith, picture } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

/** The worker ends when it has told of an image. */
const ENDS = `{
  const post = self.postMessage.bind(self);
  self.postMessage = (event, ...rest) => {
    post(event, ...rest);
    if (event.type === 'image') self.close();
  };
}`;

test('an image that is finished outlives the engine', async ({ page }) => {
  await prependToEngine(page, ENDS);
  await serveTinyModel(page);
  await openWith(page, { steps: 1, layers: 'mid', compare: false, images: 3, seed: 7, prompt: 'a red apple' });
  await button(page, 'Generate').click();
  await expect(page.getByRole('alert')).toContainText(
    /Images 2 to 3 of 3 could not be made; the other is finished and kept\. The engine stopped unexpectedly/,
  );
  await expect(picture(page, 'With PAG')).toBeVisible();
  const saved = page.waitForEvent('download');
  await button(page, 'Save PNG').click();
  expect((await saved).suggestedFilename()).toBe('pagoda-a-red-apple-7.png');
  await restoreEngine(page);
  await page.reload();
  await expect(page.getByRole('button', { name: 'History 1', exact: true })).toBeVisible();
});
