// npm run bench: what a visitor waits for, measured on the built page in a real browser on this machine.
//   seconds from opening the page to the first pair, with the settings that the page comes with
//   UNet rows a step with and without the fork, and seconds a step, on each backend
// Ratios come from one run, side by side. WebGPU is SwiftShader's (a CPU) unless PAGODA_BENCH_GPU=1.

import { execSync } from 'node:child_process';
import { cpus } from 'node:os';
import { chromium } from '@playwright/test';
import { preview } from 'vite';
import { findChromium } from '../scripts/support/chromium.mjs';

const executablePath = findChromium();
if (!executablePath) throw new Error('The bench needs Chrome or Chromium; set CHROME_PATH.');
const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const software = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];
const gpu = process.env['PAGODA_BENCH_GPU'] === '1' ? ['--enable-unsafe-webgpu'] : software;

execSync('npx vite build --logLevel error', { stdio: 'inherit' });
const server = await preview({ preview: { port: 0, host: 'localhost' }, logLevel: 'error' });
const address = server.resolvedUrls?.local[0] ?? '';
console.log(`${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}\n`);

await measure('WASM', [], null);
await measure('WASM', [], 2);
await measure('WebGPU', gpu, 2);
await server.close();

/** @param {string} name @param {string[]} args @param {number | null} steps null: the page's own, from a first visit */
async function measure(name, args, steps) {
  const browser = await chromium.launch({
    executablePath: /** @type {string} */ (executablePath),
    args: [...root, ...args],
  });
  const page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage();
  const opened = performance.now();
  await page.goto(address);
  if (steps !== null) await page.getByRole('spinbutton', { name: 'Steps' }).fill(String(steps));
  await page.getByRole('button', { name: 'Generate' }).click();
  const status = page.getByRole('status');
  await page.waitForFunction(
    () => /Done in|alert/.test(document.querySelector('[role=status]')?.textContent ?? ''),
    null,
    { timeout: 900_000 },
  );
  const toPair = (performance.now() - opened) / 1000;
  await page.getByText('What PAG is doing').click();
  const rows = await page.getByText(/^Last run:/).textContent();
  console.log(`${name}: ${await status.textContent()}`);
  if (steps === null) console.log(`  page open → first pair: ${toPair.toFixed(1)} s`);
  else {
    // The run above compiled everything; this one is what a step costs.
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.waitForFunction(() => /Step/.test(document.querySelector('[role=status]')?.textContent ?? ''));
    await page.waitForFunction(() => /Done in/.test(document.querySelector('[role=status]')?.textContent ?? ''), null, {
      timeout: 900_000,
    });
    const seconds = Number(/Done in ([\d.]+) s/.exec((await status.textContent()) ?? '')?.[1]);
    console.log(
      `  a warm run of ${steps} steps: ${seconds} s, ` +
        `${(seconds / steps).toFixed(2)} s a step with previews and decoding`,
    );
  }
  console.log(`  ${rows}\n`);
  await browser.close();
}
