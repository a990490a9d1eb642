// npm test: everything that must hold, in order, from a fresh clone: packages, a browser, a Vulkan driver, then
// types, lint, unit tests (kernels and engine on Dawn among them), the build, and end-to-end tests in Chromium.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { ensureBrowser } from './browser.mjs';
import { ensurePackages } from './install.mjs';
import { ensureVulkan } from './vulkan.mjs';

process.chdir(new URL('..', import.meta.url).pathname);
ensurePackages();
const browser = ensureBrowser();
ensureVulkan();

const reports = 'test-results/reports';
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
const stages = [
  ['types', 'npx tsc -p . --noEmit'],
  ['lint', 'npx eslint .'],
  ['unit', `npx vitest run --reporter=default --reporter=json --outputFile.json=${reports}/unit.json`],
  ['build', 'npx vite build --logLevel warn'],
  ['end to end', 'npx playwright test'],
];
const env = { ...process.env, CHROME_PATH: browser, PLAYWRIGHT_JSON_OUTPUT_NAME: `${reports}/e2e.json` };
const times = [];
let failedStage = null;
for (const [name, command] of stages) {
  console.log(`\n── ${name} ──`);
  const begun = Date.now();
  const { status } = spawnSync(command, { shell: true, stdio: 'inherit', env });
  times.push(`${name} ${((Date.now() - begun) / 1000).toFixed(0)} s`);
  if (status === 0) continue;
  failedStage = name;
  break;
}

const count = { passed: 0, failed: 0, skipped: 0 };
const unit = read('unit');
if (unit) {
  count.passed += unit.numPassedTests;
  count.failed += unit.numFailedTests;
  count.skipped += unit.numPendingTests;
}
const e2e = read('e2e');
if (e2e) {
  count.passed += e2e.stats.expected;
  count.failed += e2e.stats.unexpected + e2e.stats.flaky;
  count.skipped += e2e.stats.skipped;
}
console.log(`\n${times.join(', ')}`);
if (failedStage) console.log(`Failed: ${failedStage}. Nothing after it was run.`);
console.log(`${count.passed} passed, ${Math.max(count.failed, failedStage ? 1 : 0)} failed${count.skipped ? `, ${count.skipped} skipped` : ''}`);
process.exit(failedStage ? 1 : 0);

function read(name) {
  try {
    return JSON.parse(readFileSync(`${reports}/${name}.json`, 'utf8'));
  } catch {
    return null;
  }
}
