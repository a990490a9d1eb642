// npm run bench:memory [folder]: what loading a large model takes in memory, in real Chromium on WebGPU, and one step
// with it. The model is that of fixtures/large/make_sd15.py, an SD 1.5 UNet of 1.7 GB, opened as a folder on disk.
//   JS heap: objects and ArrayBuffers of the engine's worker, the most seen in samples 50 ms apart
//   WASM: what ONNX Runtime's memory had grown to · GPU: buffers made and not destroyed, and the largest of them
// WebGPU is SwiftShader's (a CPU, without f16, so that an f16 model is widened to f32) unless PAGODA_BENCH_GPU=1.

import { execSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { preview } from 'vite';
import { findChromium } from '../scripts/support/chromium.mjs';

const folder = process.argv[2] ?? fileURLToPath(new URL('../.cache/sd15', import.meta.url));
if (!existsSync(`${folder}/unet/model.onnx`))
  throw new Error(`There is no model in ${folder}. Make it: python fixtures/large/make_sd15.py`);
const executablePath = findChromium();
if (!executablePath) throw new Error('The bench needs Chrome or Chromium; set CHROME_PATH.');
const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const software = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];
const gpu = process.env['PAGODA_BENCH_GPU'] === '1' ? ['--enable-unsafe-webgpu'] : software;

/** Put before the engine's own code: counts what it takes outside the JS heap. */
const COUNTERS = `{
  const counted = (self.__counted = { gpu: 0, gpuMost: 0, gpuLargest: 0, wasm: null });
  const create = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    counted.gpu += descriptor.size;
    counted.gpuMost = Math.max(counted.gpuMost, counted.gpu);
    counted.gpuLargest = Math.max(counted.gpuLargest, descriptor.size);
    return create.call(this, descriptor);
  };
  const destroy = GPUBuffer.prototype.destroy;
  const gone = new WeakSet();
  GPUBuffer.prototype.destroy = function () {
    if (!gone.has(this)) counted.gpu -= this.size;
    gone.add(this);
    return destroy.call(this);
  };
  const Memory = WebAssembly.Memory;
  WebAssembly.Memory = function (descriptor) { return (counted.wasm = new Memory(descriptor)); };
  WebAssembly.Memory.prototype = Memory.prototype;
}\n`;

execSync('npx vite build --logLevel error', { stdio: 'inherit' });
const server = await preview({ preview: { port: 0, host: 'localhost' }, logLevel: 'error' });
const browser = await chromium.launch({ executablePath, args: [...root, ...gpu] });
const page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage();
await page.route(/\/assets\/worker-[^/]*\.js$/, async (route) => {
  const response = await route.fetch();
  await route.fulfill({ response, body: COUNTERS + (await response.text()) });
});
await page.goto(server.resolvedUrls?.local[0] ?? '');
const status = page.getByRole('status');
await page.getByRole('button', { name: 'Change' }).click();
await page.locator('input[type=file][webkitdirectory]').setInputFiles(folder);
await page.getByText(/in use until the page is closed/).waitFor({ state: 'attached' });
await page.getByRole('spinbutton', { name: 'Steps' }).fill('1');

const heap = await heapOfWorker();
const begun = performance.now();
await page.getByRole('button', { name: 'Generate' }).click();
let most = 0;
let loaded = false;
for (;;) {
  most = Math.max(most, await heap());
  const text = (await status.textContent()) ?? '';
  if (!loaded && /Step/.test(text)) {
    loaded = true;
    await print('loading');
  }
  if (/Done in/.test(text) || (await page.getByRole('alert').count()) > 0) break;
  await page.waitForTimeout(50);
}
const alert = await page.getByRole('alert').allTextContents();
if (alert.length > 0) throw new Error(alert.join('\n'));
await print('with one step');
console.log((await status.textContent()) ?? '');
await browser.close();
await server.close();

/** @param {string} what */
async function print(what) {
  const mega = (/** @type {number} */ bytes) => `${Math.round(bytes / 1e6)} MB`;
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  const { wasm, gpuMost, gpuLargest } = await counted();
  console.log(
    `${what}: ${seconds} s, JS heap ${mega(most)} at most, WASM ${mega(wasm)}, GPU ${mega(gpuMost)} at most, ` +
      `largest buffer ${mega(gpuLargest)}`,
  );
}

/** What COUNTERS counted in the engine's worker. */
async function counted() {
  const worker = page.workers().find((one) => one.url().startsWith('blob:'));
  if (!worker) throw new Error('The engine has no worker.');
  return worker.evaluate(() => {
    const { gpuMost, gpuLargest, wasm } = /** @type {any} */ (self).__counted;
    return { gpuMost, gpuLargest, wasm: wasm?.buffer.byteLength ?? 0 };
  });
}

/** A function that asks for the bytes that objects and ArrayBuffers of the engine's worker take. */
async function heapOfWorker() {
  const session = await page.context().newCDPSession(page);
  /** @type {string[]} */
  const workers = [];
  /** @type {Map<number, (bytes: number) => void>} */
  const waiting = new Map();
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
    if (targetInfo.url.startsWith('blob:')) workers.push(sessionId);
  });
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message);
    if (result) waiting.get(id)?.(result.usedSize + result.backingStorageSize);
  });
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  let id = 0;
  return async () => {
    const [sessionId] = workers;
    if (sessionId === undefined) return 0;
    const call = (id += 1);
    const answer = new Promise((/** @type {(bytes: number) => void} */ resolve) => waiting.set(call, resolve));
    await session.send('Target.sendMessageToTarget', {
      sessionId,
      message: JSON.stringify({ id: call, method: 'Runtime.getHeapUsage' }),
    });
    return answer;
  };
}
