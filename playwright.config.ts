// End-to-end tests: real Chromium on the built page. `webgpu` runs on SwiftShader (Chromium's software Vulkan),
// `wasm` in a browser that finds no GPU. One worker: two cores are shared with the page's own threads.

import { defineConfig } from '@playwright/test';

const PORT = 4199;
const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const executablePath = process.env['CHROME_PATH'] ?? '/usr/bin/chromium';
const launch = (args: string[]) => ({ launchOptions: { executablePath, args: [...root, '--disable-background-networking', ...args] } });

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results/e2e',
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 60_000 },
  reporter: [['list'], ['json']],
  use: { baseURL: `http://localhost:${PORT}/`, trace: 'retain-on-failure' },
  projects: [
    { name: 'wasm', testMatch: /wasm\/.*\.spec\.ts/, use: launch([]) },
    {
      name: 'webgpu',
      testMatch: /webgpu\/.*\.spec\.ts/,
      use: launch(['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan']),
    },
  ],
  webServer: { command: `npx vite preview --port ${PORT} --strictPort`, port: PORT, reuseExistingServer: false },
});
