// Faults of the device: each a typed error with a remedy, and the next Generate runs. That it goes away in a run is
// tried in tiny.webgpu.spec.ts, whose page has compiled all that a run needs.

import { expect, test } from '@playwright/test';
import {
  SPOIL_ATTENTION,
  SPOIL_CONVOLUTIONS,
  breakShaders,
  engineWorker,
  limitBuffers,
  prependToEngine,
} from './support/engineWorker';
import { button, generate, meanDifference, openWith, picture, pixels } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

// The first that a run needs: none behind it is compiled.
test('a shader that does not compile; the CPU is offered and works', async ({ page }) => {
  await prependToEngine(page, breakShaders(/^modelInput$/));
  await serveTinyModel(page);
  await openWith(page, { layers: 'mid', steps: 1, compare: false });
  await button(page, 'Generate').click();
  await expect(page.getByRole('alert')).toContainText('modelInput');
  await page.getByRole('button', { name: 'Use the CPU instead' }).click();
  await expect(page.getByRole('status')).toContainText(/CPU.*Done in/);
});

test('a GPU that cannot hold the model: refused before anything is built; the CPU is offered and works', async ({
  page,
}) => {
  await prependToEngine(page, limitBuffers({ maxBufferSize: 65536 }));
  await serveTinyModel(page);
  await openWith(page, { layers: 'mid', steps: 1, compare: false });
  const alert = page.getByRole('alert');
  await expect(alert).toContainText(
    new RegExp(
      'This GPU cannot hold the model\\. The UNet needs a buffer of \\d+ kB; this GPU allows 66 kB\\. ' +
        'Use the CPU instead, or choose another model\\.',
    ),
  );
  await expect(page.getByLabel('Verdict')).toContainText(/^Does not fit this device: 1.9 MB of weights/);
  await page.getByRole('button', { name: 'Use the CPU instead' }).click();
  await expect(page.getByRole('status')).toContainText(/CPU.*Done in/);
  await expect(page.getByLabel('Verdict')).toContainText('Fits this device');
});

test('a GPU whose buffers are too small: the doubt is said before, what failed after, and the CPU works', async ({
  page,
}) => {
  await prependToEngine(page, limitBuffers({ maxStorageBufferBindingSize: 65536 }));
  await serveTinyModel(page, { model: 'tiny-flat' });
  await openWith(page, { layers: 'mid', steps: 1, compare: false });
  await expect(page.getByLabel('Verdict')).toContainText('May not fit this device');
  await expect(page.getByRole('status')).toContainText(
    /this GPU allows 66 kB\. It may fail; the CPU can be chosen instead\./,
  );
  await expect(page.getByRole('alert')).toContainText(
    'ONNX Runtime cannot compute unet/model.onnx with these settings. ' +
      'Try a smaller size, the CPU, or another model.',
  );
  await page.getByRole('button', { name: 'Use the CPU instead' }).click();
  await expect(page.getByRole('status')).toContainText(/CPU.*Done in/);
});

test("a GPU on which ONNX Runtime's attention is wrong: it is left unused, and the picture is the CPU's", async ({
  page,
  context,
}) => {
  const run = { layers: 'mid', steps: 1, compare: false };
  const onCpu = await context.newPage();
  await serveTinyModel(onCpu, { model: 'tiny-flat' });
  await openWith(onCpu, { ...run, backend: 'wasm' });
  await generate(onCpu);
  const right = await pixels(picture(onCpu, 'With PAG'));
  await onCpu.close();
  await prependToEngine(page, SPOIL_ATTENTION);
  await serveTinyModel(page, { model: 'tiny-flat' });
  await openWith(page, run);
  await generate(page);
  const worker = await engineWorker(page);
  expect(await worker.evaluate(() => (self as unknown as { __spoiled?: number }).__spoiled)).toBe(1);
  expect(meanDifference(right, await pixels(picture(page, 'With PAG')))).toBeLessThan(0.5);
  await expect(page.getByRole('status')).toContainText(
    "without ONNX Runtime's MultiHeadAttention, which is wrong on this GPU",
  );
});

test('a GPU on which convolutions are wrong: the CPU takes over, and it is said why', async ({ page }) => {
  await prependToEngine(page, SPOIL_CONVOLUTIONS);
  await serveTinyModel(page);
  await openWith(page, { layers: 'mid', steps: 1 });
  await generate(page);
  await expect(page.getByRole('status')).toContainText(
    /computes convolutions \(Conv\) wrongly on this GPU.*Running on the CPU/,
  );
});
