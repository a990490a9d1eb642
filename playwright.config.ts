// End-to-end tests, in a real Chromium on the built page. `*.webgpu.spec.ts` run on WebGPU by SwiftShader, which
// needs no GPU and wants a tiny model; all others in a browser without WebGPU, on WASM.

import { availableParallelism } from 'node:os';

import { defineConfig, type LaunchOptions } from '@playwright/test';

import { PLAIN_FOLDERS } from './scripts/hashedFolders';
import { findChromium } from './scripts/support/chromium.mjs';
import { COMPILE_ONCE } from './scripts/v8Flags';

/** Several checkouts may run their tests at once. */
const PORT = Number(process.env['E2E_PORT'] ?? 4187);

// What the build puts into src/models/catalog, which tests read for the sizes of files.
Object.assign(globalThis, { __PUBLIC_FOLDERS__: PLAIN_FOLDERS });

const executablePath = findChromium();
if (!executablePath) throw new Error('No Chrome or Chromium was found; set CHROME_PATH.');

// The address bar has its suggestions drawn by pages of their own, two a window, which costs as much as a small test.
const ADDRESS_BAR = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup'];
const V8 = `--js-flags=${COMPILE_ONCE}`;

function launch(without: readonly string[], ...flags: string[]): LaunchOptions {
  // Chromium refuses its sandbox to root, who runs in containers.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const features = `--disable-features=${[...without, ...ADDRESS_BAR].join(',')}`;
  return { executablePath: executablePath!, args: [...sandbox, V8, features, ...flags] };
}

export default defineConfig({
  testDir: 'e2e',
  // How long a test may hang, not how long it may take: on a busy machine shaders alone compile for minutes.
  timeout: 900_000,
  expect: { timeout: 300_000 },
  // Two even on two cores: half of a test's time is spent waiting.
  workers: Math.max(2, Math.min(4, Math.floor(availableParallelism() / 2))),
  retries: 0,
  forbidOnly: Boolean(process.env['CI']),
  // No traces: recording them takes a quarter of all the work. Of a failure: `npx playwright test --trace on …`.
  use: {
    baseURL: `http://localhost:${PORT}/`,
    screenshot: 'only-on-failure',
    viewport: { width: 1280, height: 800 },
    // How fast a machine is would decide which runs start by themselves: tests of live mode switch it on.
    storageState: {
      cookies: [],
      origins: [{ origin: `http://localhost:${PORT}`, localStorage: [{ name: 'pagoda.live', value: 'off' }] }],
    },
  },
  projects: [
    {
      name: 'webgpu',
      testMatch: '*.webgpu.spec.ts',
      // Two of some forty starts of SwiftShader beside another on two cores never came back from the GPU's process, at
      // different places. Such a test is run once more, and the report calls it flaky.
      retries: 1,
      use: {
        launchOptions: launch(
          [],
          '--enable-unsafe-webgpu',
          '--use-webgpu-adapter=swiftshader',
          '--enable-features=Vulkan',
        ),
      },
    },
    {
      name: 'wasm',
      testIgnore: '*.webgpu.spec.ts',
      // The name stands for an address of the local network: plain http, and no secure context.
      use: {
        launchOptions: launch(['WebGPU'], '--disable-gpu', '--host-resolver-rules=MAP pagoda.test localhost'),
      },
    },
  ],
  webServer: {
    command: `node node_modules/vite/bin/vite.js preview --port ${PORT} --strictPort`,
    url: `http://localhost:${PORT}/`,
    reuseExistingServer: false,
  },
});
