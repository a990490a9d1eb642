// `npm test`: everything, in order of cost, from a fresh clone: packages, a browser, a Vulkan driver for Dawn,
// then types, lint, unit tests (kernels and engine on Dawn among them), build, end-to-end. It stops at the first
// stage that fails. The last line is the sum of all tests, alone: `N passed, N failed[, N skipped]`; a stage that
// fails without naming a test counts as one failure.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { aptInstall, aptInstallFromBackports, canUseApt, distributionCodename } from './support/apt.mjs';
import { findChromium } from './support/chromium.mjs';
import { installPackages } from './support/install.mjs';
import { probeAdapter, swiftShaderEnvironment } from './support/vulkan.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const reports = mkdtempSync(join(tmpdir(), 'pagoda-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} */
const summary = [];
/** @type {NodeJS.ProcessEnv} */
const env = { ...process.env, CI: '1' };

const bin = {
  tsc: 'typescript/bin/tsc',
  biome: '@biomejs/biome/bin/biome',
  eslint: 'eslint/bin/eslint.js',
  vitest: 'vitest/vitest.mjs',
  vite: 'vite/bin/vite.js',
  playwright: '@playwright/test/cli.js',
};

function main() {
  stage('packages', () => installPackages(root));
  stage('browser', prepareBrowser);
  const adapter = stage('vulkan', prepareVulkan);
  stage('types', () => run('tsc', ['-p', '.', '--noEmit']));
  stage('lint', () => {
    run('biome', ['format', '.']);
    run('eslint', ['.', '--max-warnings', '0']);
  });
  stage('unit', () => unitTests(adapter !== null));
  stage('build', () => run('vite', ['build', '--logLevel', 'warn']));
  stage('e2e', endToEndTests);
}

/**
 * @template T
 * @param {string} name
 * @param {() => T} work throws where the stage fails
 * @returns {T}
 */
function stage(name, work) {
  console.log(`\n── ${name} ──`);
  const start = performance.now();
  const failedBefore = total.failed;
  let outcome = 'failed';
  try {
    const result = work();
    outcome = 'ok';
    return result;
  } catch (error) {
    if (total.failed === failedBefore) total.failed++;
    throw error;
  } finally {
    summary.push(`${name.padEnd(10)} ${outcome.padEnd(7)} ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
}

function run(
  /** @type {keyof typeof bin} */ tool,
  /** @type {string[]} */ args,
  /** @type {NodeJS.ProcessEnv} */ extra = {},
) {
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules', bin[tool]), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...env, ...extra },
  });
  if (status !== 0) throw new Error(`${tool} failed; its message is above.`);
}

function prepareBrowser() {
  let path = findChromium();
  if (!path && canUseApt() && aptInstall(['chromium'])) path = findChromium();
  if (!path) {
    throw new Error(
      'No Chrome or Chromium was found. Install one (Debian: apt-get install chromium), ' +
        'or set CHROME_PATH to its executable.',
    );
  }
  env['CHROME_PATH'] = path;
  console.log(path);
}

/** @returns {string | null} the adapter's name */
function prepareVulkan() {
  let adapter = probeAdapter(root);
  if (!adapter && canUseApt()) {
    // Mesa 22 of Debian 12 is too old for Dawn.
    const install = distributionCodename() === 'bookworm' ? aptInstallFromBackports : aptInstall;
    if (install(['mesa-vulkan-drivers'])) adapter = probeAdapter(root);
  }
  if (!adapter) {
    const swiftShader = swiftShaderEnvironment(env['CHROME_PATH'] ?? null);
    if (swiftShader) {
      adapter = probeAdapter(root, swiftShader);
      if (adapter) Object.assign(env, swiftShader);
    }
  }
  if (adapter) console.log(adapter);
  else {
    const rule = '!'.repeat(78);
    console.log(
      `${rule}\nNO VULKAN DRIVER: the kernel and engine tests on Dawn are SKIPPED.\n` +
        `Install one (Debian: mesa-vulkan-drivers 25 or later) to run them.\n${rule}`,
    );
  }
  return adapter;
}

function unitTests(/** @type {boolean} */ withDawn) {
  const report = join(reports, 'vitest.json');
  const projects = withDawn ? [] : ['--project', 'unit'];
  if (!withDawn) total.skipped += countDawnTests();
  try {
    run('vitest', ['run', ...projects, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
  } finally {
    add(readVitest(report));
  }
}

function countDawnTests() {
  const list = join(reports, 'dawn.json');
  run('vitest', ['list', '--project', 'dawn', `--json=${list}`]);
  return JSON.parse(readFileSync(list, 'utf8')).length;
}

function endToEndTests() {
  const report = join(reports, 'playwright.json');
  try {
    run('playwright', ['test', '--reporter=list,json'], { PLAYWRIGHT_JSON_OUTPUT_NAME: report });
  } finally {
    add(readPlaywright(report));
  }
}

function add(/** @type {Counts | null} */ counts) {
  if (!counts) return;
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}

/** @returns {Counts | null} null where the runner left no report */
function readVitest(/** @type {string} */ path) {
  const report = readReport(path);
  if (!report) return null;
  // A file that could not be loaded has no tests to fail.
  const unloaded = report.testResults.filter(
    (/** @type {any} */ file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** @returns {Counts | null} */
function readPlaywright(/** @type {string} */ path) {
  const stats = readReport(path)?.stats;
  return stats ? { passed: stats.expected + stats.flaky, failed: stats.unexpected, skipped: stats.skipped } : null;
}

function readReport(/** @type {string} */ path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

try {
  main();
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  rmSync(reports, { recursive: true });
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  console.log(`\n${summary.join('\n')}\n\n${total.passed} passed, ${total.failed} failed${skipped}`);
}
