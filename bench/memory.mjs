// npm run bench:memory [checkpoint | folder]: what loading a large model takes in memory, in real Chromium on WebGPU,
// and one step with it. `checkpoint` is one .safetensors file of Stable Diffusion 1.5's size, f16, 2.1 GB, made on the
// spot of zeros (fixtures/checkpoints knows its header). The folder is that of fixtures/large/make_sd15.py, whose UNet
// is an ONNX file of 1.7 GB. Without either: the checkpoint, and the folder where it is.
//   JS heap: objects and ArrayBuffers of the engine's worker, the most seen in samples 50 ms apart
//   WASM: what ONNX Runtime's memory had grown to · GPU: buffers made and not destroyed, and the largest of them
// WebGPU is SwiftShader's (a CPU, without f16, so that an f16 model is widened to f32) unless PAGODA_BENCH_GPU=1.

import { execSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, ftruncateSync, writeSync, closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { chromium } from '@playwright/test';
import { preview } from 'vite';
import { findChromium } from '../scripts/support/chromium.mjs';

const CACHE = fileURLToPath(new URL('../.cache', import.meta.url));
const [, , asked] = process.argv;
const folder = asked ?? `${CACHE}/sd15`;
const hasFolder = existsSync(`${folder}/unet/model.onnx`);
if (asked !== undefined && asked !== 'checkpoint' && !hasFolder)
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
/** @type {import('@playwright/test').Page} */
let page;
let begun = 0;
let most = 0;
if (asked === undefined || asked === 'checkpoint')
  await measure('one .safetensors file', (on) => on.getByLabel('Checkpoint file'), sparse());
if (hasFolder) await measure('a folder of ONNX files', (on) => on.locator('input[type=file][webkitdirectory]'), folder);
await server.close();

/**
 * @param {string} what
 * @param {(on: import('@playwright/test').Page) => import('@playwright/test').Locator} input the page's file input
 * @param {string} path
 */
async function measure(what, input, path) {
  const browser = await chromium.launch({
    executablePath: /** @type {string} */ (executablePath),
    args: [...root, ...gpu],
  });
  page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage();
  await page.route(/\/assets\/worker-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: COUNTERS + (await response.text()) });
  });
  await page.goto(server.resolvedUrls?.local[0] ?? '');
  const status = page.getByRole('status');
  await page.getByRole('button', { name: 'Change' }).click();
  await input(page).setInputFiles(path);
  await page.getByText(/in use until the page is closed/).waitFor({ state: 'attached' });
  await page.keyboard.press('Escape');
  await page.getByRole('spinbutton', { name: 'Steps' }).fill('1');
  console.log(what);
  const heap = await heapOfWorker();
  most = 0;
  begun = performance.now();
  await page.getByRole('button', { name: 'Generate' }).click();
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
  console.log(`  ${(await status.textContent()) ?? ''}`);
  await browser.close();
}

/** The file: its header, and behind it nothing but a length, which reads as zeros. Pictures of 64 pixels. */
function sparse() {
  const tables = JSON.parse(gunzipSync(readFileSync('fixtures/checkpoints/keys.json.gz')).toString());
  /** @type {Record<string, unknown>} */
  const header = { __metadata__: { 'modelspec.resolution': '64x64' } };
  let end = 0;
  for (const [key, [shape]] of Object.entries(tables.real.sd1.file)) {
    const begin = end;
    end += 2 * shape.reduce((/** @type {number} */ all, /** @type {number} */ size) => all * size, 1);
    header[key] = { dtype: 'F16', shape, data_offsets: [begin, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  mkdirSync(CACHE, { recursive: true });
  const path = `${CACHE}/sd15.safetensors`;
  const file = openSync(path, 'w');
  writeSync(file, Buffer.concat([length, text]));
  ftruncateSync(file, 8 + text.length + end);
  closeSync(file);
  return path;
}

/** @param {string} what */
async function print(what) {
  const mega = (/** @type {number} */ bytes) => `${Math.round(bytes / 1e6)} MB`;
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  const { wasm, gpuMost, gpuLargest } = await counted();
  console.log(
    `  ${what}: ${seconds} s, JS heap ${mega(most)} at most, WASM ${mega(wasm)}, GPU ${mega(gpuMost)} at most, ` +
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
