// npm run bench:native [layers]: a step of the built-in pair on the CPU (CFG, and CFG with PAG at `all` layers or those
// given), in a worker of a real browser, beside ONNX Runtime in Python on the same UNet with as many threads.
//   WASM: the engine's UNet, cut and forked (bench/stepInWorker.ts says what else is measured)
//   native: the whole UNet with all rows at once (`pip install onnxruntime`; PYTHON names another interpreter)
// The best of rounds that take turns, since other programs disturb both; where they do, milliseconds of processors say
// more than the clock. Ratios come from one run, side by side.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { createServer } from 'vite';
import { findChromium } from '../scripts/support/chromium.mjs';

const ROUNDS = 4;
const STEPS = 5;
const FOLDER = 'models/pocket/unet';
const executablePath = findChromium();
if (!executablePath) throw new Error('The bench needs Chrome or Chromium; set CHROME_PATH.');
const root = fileURLToPath(new URL('..', import.meta.url));
const layers = process.argv[2] ?? 'all';

const server = await createServer({ root, logLevel: 'error', server: { port: 0, host: 'localhost', hmr: false } });
await server.listen();
const browser = await chromium.launch({
  executablePath,
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
const page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage();
await page.goto(server.resolvedUrls?.local[0] ?? '');
const worker = await page.evaluateHandle(() => new Worker('/bench/stepInWorker.ts', { type: 'module' }));

const session = await browser.newBrowserCDPSession();

/** Best milliseconds of a step: clock and processors. @type {Record<string, { wall: number, cpu: number }>} */
const best = {};
let [why, what] = ['', ''];
let threads = 0;
for (let round = 0; round < ROUNDS; round += 1) {
  for (const which of ['own', 'twin', 'whole']) {
    await inWorker(which, 1);
    const before = await processorTime();
    const answer = await inWorker(which, STEPS);
    keep(which, { wall: answer.wall, cpu: (1000 * ((await processorTime()) - before)) / STEPS });
    if (which === 'own') [threads, what] = [answer.threads, `${answer.sites} sites, ${answer.segments} segments`];
  }
  if (why) continue;
  const python = spawnSync(
    process.env['PYTHON'] ?? 'python3',
    [`${root}bench/native_step.py`, `${root}public/${FOLDER}/model.onnx`, String(threads), String(STEPS)],
    { encoding: 'utf8' },
  );
  if (python.status !== 0) why = (python.stderr || String(python.error)).trim().split('\n').at(-1) ?? 'it failed';
  else keep('native', JSON.parse(python.stdout));
}
await browser.close();
await server.close();

console.log(`${threads} threads, PAG at ${layers}: ${what}, 4 rows and 5 behind the fork`);
show('own', 'WASM, a step');
show('twin', '  with attention in TypeScript');
show('whole', 'WASM, 5 rows, the UNet whole');
if (why) console.log(`native: not measured (${why})`);
else show('native', 'native, 5 rows, the UNet whole');

/** @param {string} which @param {{ wall: number, cpu: number }} times */
function keep(which, times) {
  const known = best[which] ?? times;
  best[which] = { wall: Math.min(known.wall, times.wall), cpu: Math.min(known.cpu, times.cpu) };
}

/** @param {string} which @param {string} label */
function show(which, label) {
  const { wall, cpu } = best[which] ?? { wall: NaN, cpu: NaN };
  const over = best['native'] ? ` · ÷ native ${(wall / best['native'].wall).toFixed(2)}` : '';
  const overCpu = best['native'] ? ` (${(cpu / best['native'].cpu).toFixed(2)})` : '';
  console.log(
    `${label.padEnd(32)} ${wall.toFixed(1).padStart(7)} ms (${cpu.toFixed(1)} of processors)${over}${overCpu}`,
  );
}

/** Seconds that the page's process has had of all processors. */
async function processorTime() {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  return processInfo.filter(({ type }) => type === 'renderer').reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/** @param {string} which @param {number} count @returns {Promise<any>} */
async function inWorker(which, count) {
  const answer = await worker.evaluate(
    (own, message) =>
      new Promise((resolve) => {
        own.onmessage = ({ data }) => resolve(data);
        own.onerror = ({ message }) => resolve({ error: message || 'The worker did not start.' });
        own.postMessage(message);
      }),
    { folder: `/${FOLDER}`, layers, which, count },
  );
  if (answer.error) throw new Error(answer.error);
  return answer;
}
