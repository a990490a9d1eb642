// npm run bench:switches [switches] [backend] [watcher]: whether switching between two models leaves memory behind that
// no count in JavaScript shows. Chromium shows the built page in a frame, and the page around it clicks: choose the
// other model, Generate, wait, and so on. At each sixth of the way the private dirty memory of the processes is read
// from /proc (Linux alone). Who watches matters, since the DevTools protocol keeps the bodies of answers:
//   nobody      Chromium as a person starts it
//   attached    the protocol is attached to the page and its workers, and asks for nothing
//   network     with Network.enable, as DevTools and Playwright send it
//   bounded     Network.enable with maxTotalBufferSize 0: no bodies are kept
// One model is fetched over the network at each switch to it, in the built-in one's place; the other is a folder on
// disk. Both are fixtures/models/tiny, 2.8 MB. Backends: wasm, webgpu (SwiftShader's unless PAGODA_BENCH_GPU=1).

import { execSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preview } from 'vite';
import { findChromium } from '../scripts/support/chromium.mjs';

const [switches = '60', ...only] = process.argv.slice(2);
const isWanted = (/** @type {string} */ one, /** @type {string[]} */ all) =>
  !only.some((word) => all.includes(word) && word !== one);
const TINY = fileURLToPath(new URL('../fixtures/models/tiny/', import.meta.url));
const FILES = readdirSync(TINY, { recursive: true })
  .map(String)
  .filter((path) => statSync(join(TINY, path)).isFile());
const WATCHERS = { nobody: null, attached: [], network: [{}], bounded: [{ maxTotalBufferSize: 0 }] };

const executable = findChromium();
if (!executable) throw new Error('The bench needs Chrome or Chromium; set CHROME_PATH.');
const software = ['--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];
const gpu = ['--enable-unsafe-webgpu', ...(process.env['PAGODA_BENCH_GPU'] === '1' ? [] : software)];
/** @type {Readonly<Record<string, readonly string[]>>} */
const BACKENDS = { wasm: ['--disable-features=WebGPU', '--disable-gpu'], webgpu: gpu };

/** Told by the page how far it is; the page waits for the answer. @type {(at: string) => void} */
let heard = () => {};
execSync('npx vite build --logLevel error', { stdio: 'inherit' });
const server = await preview({
  preview: { port: 0, host: 'localhost' },
  logLevel: 'error',
  plugins: [{ name: 'bench', configurePreviewServer: ({ middlewares }) => void middlewares.use(answer) }],
});
const address = server.resolvedUrls?.local[0] ?? '';
for (const [backend, flags] of Object.entries(BACKENDS)) {
  if (!isWanted(backend, Object.keys(BACKENDS))) continue;
  for (const [watcher, network] of Object.entries(WATCHERS))
    if (isWanted(watcher, Object.keys(WATCHERS))) await measure(backend, flags, watcher, network);
}
await server.close();

/**
 * @param {string} backend @param {readonly string[]} flags @param {string} watcher
 * @param {readonly object[] | null} network parameters of Network.enable; null where nothing is attached
 */
async function measure(backend, flags, watcher, network) {
  console.log(`\n${backend}, ${watcher}\n  switches     page      GPU  browser   (MB of private dirty memory)`);
  const profile = mkdtempSync(join(tmpdir(), 'pagoda-switches-'));
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const debug = network ? ['--remote-debugging-pipe'] : [];
  const common = ['--headless', '--no-first-run', `--user-data-dir=${profile}`];
  const url = `${address}bench.html?${new URLSearchParams({ backend, switches, files: FILES.join() })}`;
  // A page that is there before anything is attached would be missed.
  const chromium = spawn(
    /** @type {string} */ (executable),
    [...root, ...common, ...flags, ...debug, network ? 'about:blank' : url],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  if (network) attach(chromium, network, url);
  await new Promise((/** @type {(value?: unknown) => void} */ done) => {
    heard = (at) => {
      if (!/^\d+$/.test(at)) return done(console.log(`  ${at}`));
      const columns = [at, ...memoryOf(/** @type {number} */ (chromium.pid))];
      console.log(`  ${columns.map((text) => text.padStart(8)).join(' ')}`);
      if (at === switches) done();
    };
  });
  chromium.kill();
  await new Promise((done) => chromium.once('close', done));
  rmSync(profile, { recursive: true, maxRetries: 5 });
}

/**
 * Attaches to all that comes, as DevTools do, and opens `url`.
 * @param {import('node:child_process').ChildProcess} chromium @param {readonly object[]} network @param {string} url
 */
function attach(chromium, network, url) {
  const [, , , input, output] = /** @type {any} */ (chromium.stdio);
  let id = 0;
  const send = (/** @type {string} */ method, /** @type {object} */ params, sessionId = '') =>
    input.write(`${JSON.stringify({ id: (id += 1), method, params, ...(sessionId && { sessionId }) })}\0`);
  const follow = { autoAttach: true, waitForDebuggerOnStart: true, flatten: true };
  let rest = '';
  output.on('data', (/** @type {Buffer} */ data) => {
    const messages = (rest + data.toString()).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) {
      const { method, params } = JSON.parse(message);
      if (method !== 'Target.attachedToTarget') continue;
      for (const limits of network) send('Network.enable', limits, params.sessionId);
      send('Target.setAutoAttach', follow, params.sessionId);
      send('Runtime.runIfWaitingForDebugger', {}, params.sessionId);
    }
  });
  send('Target.setAutoAttach', follow);
  send('Target.createTarget', { url });
}

/** Of the largest renderer, the GPU process and the browser's own, below a process. @param {number} pid */
function memoryOf(pid) {
  const parents = new Map();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [, ppid] = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? [];
      parents.set(Number(entry), Number(ppid));
    } catch {
      continue; // ended meanwhile
    }
  }
  const isBelow = (/** @type {number | undefined} */ one) => {
    for (let at = one; at; at = parents.get(at)) if (at === pid) return true;
    return false;
  };
  const most = { renderer: 0, 'gpu-process': 0, browser: 0 };
  for (const one of [...parents.keys()].filter(isBelow)) {
    try {
      const command = readFileSync(`/proc/${one}/cmdline`, 'utf8');
      const type = /--type=([\w-]+)/.exec(command)?.[1] ?? 'browser';
      const [, kB] = /^Private_Dirty: +(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, 'utf8')) ?? [];
      if (type in most) {
        const kind = /** @type {keyof typeof most} */ (type);
        most[kind] = Math.max(most[kind], Number(kB) / 1024);
      }
    } catch {
      continue;
    }
  }
  return [most.renderer, most['gpu-process'], most.browser].map((mega) => mega.toFixed(1));
}

/**
 * What the preview server has not: the page around the page, the models' files, and where it is told how far it is.
 * @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response
 * @param {() => void} next
 */
function answer(request, response, next) {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const [, file] = /^\/models\/(?:pocket\/[0-9a-f]{12}|folder)\/(.*)/.exec(pathname) ?? [];
  const end = (/** @type {string} */ type, /** @type {string | Buffer} */ body) =>
    void response.setHeader('Content-Type', type).end(body);
  for (const name of ['Opener-Policy', 'Resource-Policy']) response.setHeader(`Cross-Origin-${name}`, 'same-origin');
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  if (pathname === '/at') {
    heard(searchParams.get('n') ?? '');
    return end('text/plain', '');
  }
  if (pathname === '/bench.html') return end('text/html', `<script>(${drive})()</script>`);
  // It would keep the built-in model, which is to be fetched.
  if (pathname === '/sw.js') return void response.writeHead(404).end();
  if (file) return end(file.endsWith('.json') ? 'application/json' : 'text/plain', readFileSync(join(TINY, file)));
  next();
}

/** Runs in the page around the page. */
async function drive() {
  const asked = new URLSearchParams(location.search);
  const tell = (/** @type {unknown} */ at) => fetch(`at?n=${encodeURIComponent(String(at))}`);
  try {
    const settings = {
      prompt: 'a',
      steps: 1,
      layers: 'mid',
      compare: false,
      backend: asked.get('backend') === 'wasm' ? 'wasm' : 'auto',
    };
    localStorage.setItem('pagoda.settings', JSON.stringify(settings));
    const paths = asked.get('files')?.split(',') ?? [];
    const files = await Promise.all(
      paths.map(async (path) => {
        const file = new File([await (await fetch(`models/folder/${path}`)).blob()], path.split('/').pop() ?? '');
        return Object.defineProperty(file, 'webkitRelativePath', { value: `tiny/${path}` });
      }),
    );
    const frame = document.createElement('iframe');
    Object.assign(frame, { src: './', width: 1280, height: 800 });
    document.body.append(frame);
    /** @type {(selector: string, text?: RegExp) => Promise<HTMLElement>} */
    const find = async (selector, text = /(?:)/) => {
      for (;;) {
        const page = frame.contentDocument;
        const all = /** @type {HTMLElement[]} */ ([...(page?.querySelectorAll(selector) ?? [])]);
        const found = all.find((one) => text.test(one.textContent ?? ''));
        if (found) return found;
        const alert = page?.querySelector('[role=alert]')?.textContent;
        if (alert) throw new Error(alert);
        await new Promise((/** @type {(value: unknown) => void} */ resolve) => setTimeout(resolve, 20));
      }
    };
    const generate = async () => {
      (await find('button', /^Generate$/)).click();
      await find('[role=status]', /Step|Preparing|Loading/);
      await find('[role=status]', /Done in/);
    };
    await generate();
    const last = Number(asked.get('switches'));
    for (let at = 0; at <= last; at += 1) {
      if (at > 0) {
        (await find('button[aria-label^="Model:"]')).click();
        if (at % 2 === 0) (await find('button[aria-label="Use Pocket"]')).click();
        else {
          const input = await find('input[aria-label="Folder of a model"]');
          Object.defineProperty(input, 'files', { configurable: true, value: files });
          input.dispatchEvent(new Event('change', { bubbles: true }));
        }
        await find(`button[aria-label^="Model: ${at % 2 === 0 ? 'Pocket' : 'tiny'}"]`);
        await generate();
      }
      if (at % Math.ceil(last / 6) === 0 || at === last) await tell(at);
    }
  } catch (error) {
    await tell(error);
  }
}
