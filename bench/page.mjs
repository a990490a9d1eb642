// npm run bench:page [gpu] [headed]: the built page in Chromium with the built-in model on WebGPU, as a visitor has it.
// What a step asks of the GPU, counted in the engine's worker over a warm run of two steps with its previews and the
// decoding; seconds a pair, and how soon a picture follows the slider in Live. Recorded commands are replayed; beside
// them the same page on a GPU that is made to replay wrongly, so that all is sent anew.
//   On SwiftShader, a CPU, whose seconds say nothing of a GPU, and whose counts are those of every GPU; `gpu` takes the
//   machine's. `headed` opens a window, where a headless Chromium does not find the GPU.

import { execSync } from 'node:child_process';
import { chromium } from '@playwright/test';
import { preview } from 'vite';
import { findChromium } from '../scripts/support/chromium.mjs';
import { isSoftware, softwareWarning } from './support/adapters.mjs';
import { end, load } from './support/engine.mjs';

const SOFTWARE = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];
// On Linux a headless Chromium takes a GPU by Vulkan alone, without a surface.
const LINUX = ['--enable-features=Vulkan', '--use-angle=vulkan', '--disable-vulkan-surface'];
const GPU = ['--enable-unsafe-webgpu', ...(process.platform === 'linux' ? LINUX : [])];
const ROOT = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const WORKER = /\/assets\/worker-[^/]*\.js(\?.*)?$/;
/** Of the run that is counted; a software GPU takes minutes for more. */
const STEPS = 2;
const LONGEST_MS = 900_000;

const [wantsGpu, headed] = ['gpu', 'headed'].map((word) => process.argv.slice(2).includes(word));
const executablePath = findChromium();
if (!executablePath) throw new Error('This bench needs Chrome or Chromium; set CHROME_PATH.');
const { COUNT_COMMANDS, SPOIL_REPLAYS, commandsSince } = await load('/e2e/support/gpuCommands.ts');

execSync('npx vite build --logLevel error', { stdio: 'inherit' });
const server = await preview({ preview: { port: 0, host: 'localhost' }, logLevel: 'error' });
const browser = await chromium.launch({
  executablePath,
  headless: !headed,
  args: [...ROOT, ...(wantsGpu ? GPU : SOFTWARE)],
});

/** @typedef {import('@playwright/test').Page} Page */
const replayed = await measure('');
const anew = await measure(SPOIL_REPLAYS);
console.log(`${replayed.adapter} · Chromium ${browser.version()} · the built-in model, a pair a run`);
if (isSoftware(replayed.adapter)) console.log(softwareWarning(replayed.adapter));
console.log(`${''.padEnd(44)} sent anew   replayed`);
for (const [what, figure] of Object.entries(replayed.figures)) {
  const [before, after] = [anew.figures[what] ?? '', figure].map((one) => one.padStart(10));
  console.log(`  ${what.padEnd(40)} ${before} ${after}`);
}
await browser.close();
await server.close();
await end();

/** @param {string} snippet what is done to the engine's worker */
async function measure(snippet) {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const page = await context.newPage();
  await page.addInitScript(() => localStorage.setItem('pagoda.live', 'off'));
  await page.addInitScript(tellDone);
  await page.route(WORKER, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: [snippet, COUNT_COMMANDS, await response.text()].join('\n') });
  });
  await page.goto(server.resolvedUrls?.local[0] ?? '');
  const adapter = await page.evaluate(adapterText);
  if (adapter === null) throw new Error('This Chromium finds no WebGPU adapter. Try with `headed`, or without `gpu`.');
  const isSlow = isSoftware(adapter);
  const steps = isSlow ? STEPS : 20;
  for (let round = 0; round < 2; round += 1) await pair(page, STEPS);
  await commandsSince(page);
  await pair(page, STEPS);
  const counts = await commandsSince(page);
  /** @type {Record<string, string>} */
  const figures = {};
  for (const what of Object.keys(counts)) figures[`${what} a step`] = (counts[what] / STEPS).toFixed(1);
  const made = counts.writes + counts['bind groups'] + counts.buffers;
  figures['writes, bind groups and buffers a step'] = (made / STEPS).toFixed(1);
  const pairs = [];
  for (let round = 0; round < (isSlow ? 1 : 5); round += 1) pairs.push(await pair(page, steps));
  figures[`seconds a pair of ${steps} steps`] = Math.min(...pairs).toFixed(2);
  figures['ms from the slider to the picture, Live'] = await follows(page);
  await context.close();
  return { adapter, figures };
}

/** Seconds of one, of another seed than the last: nothing of that is kept. @param {Page} page @param {number} steps */
async function pair(page, steps) {
  const seed = page.getByRole('spinbutton', { name: 'Seed' });
  await seed.fill(String(Number(await seed.inputValue()) + 1));
  await page.getByRole('spinbutton', { name: 'Steps' }).fill(String(steps));
  const { seconds } = await doneAfter(page, () => page.getByRole('button', { name: 'Generate' }).click());
  return seconds;
}

/** The least of some moves; `waits` where a picture takes too long for it. @param {Page} page */
async function follows(page) {
  await page.getByRole('switch', { name: 'Live' }).check();
  const slider = page.getByRole('slider', { name: 'PAG scale' });
  if (await page.getByText(/^Waits for Generate/).isVisible()) return 'waits';
  let least = Infinity;
  for (let round = 0; round < 8; round += 1) {
    const moved = await page.evaluate(() => performance.now());
    const { at } = await doneAfter(page, () => slider.press(round % 2 === 0 ? 'ArrowRight' : 'ArrowLeft'));
    least = Math.min(least, at - moved);
  }
  return least.toFixed(0);
}

/**
 * What is told of the next run that ends behind `ask`.
 * @param {Page} page @param {() => Promise<void>} ask @returns {Promise<{ at: number, seconds: number }>}
 */
async function doneAfter(page, ask) {
  const before = await page.evaluate(() => /** @type {any} */ (self).__done.length);
  await ask();
  await page.waitForFunction(
    (count) => /** @type {any} */ (self).__done.length > count || document.querySelector('[role=alert]'),
    before,
    { timeout: LONGEST_MS },
  );
  const alert = page.getByRole('alert');
  if (await alert.isVisible()) throw new Error(`The page says: ${await alert.textContent()}`);
  return page.evaluate(() => /** @type {any} */ (self).__done.at(-1));
}

/** In the page: keeps when each run was done, and what it says it took. */
function tellDone() {
  /** @type {{ at: number, seconds: number }[]} */
  const done = [];
  Object.assign(self, { __done: done });
  self.Worker = class extends Worker {
    /** @param {string | URL} url @param {WorkerOptions} [options] */
    constructor(url, options) {
      super(url, options);
      this.addEventListener('message', ({ data }) => {
        if (data.type === 'done') done.push({ at: performance.now(), seconds: data.stats.seconds });
      });
    }
  };
}

/** In the page; null where there is none. */
async function adapterText() {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) return null;
  const { vendor, architecture, device, description } = adapter.info;
  return [vendor, architecture, device, description].filter(Boolean).join(' ');
}
