// `npm test`: everything, from a fresh clone: packages, a browser, a Vulkan driver for Dawn, then types, lint and
// build beside the tests on Dawn, of which each keeps one core busy, unit tests, end-to-end. It stops at the first
// stage that fails. The last line is the sum of all tests, alone: `N passed, N failed[, N skipped]`; a stage that
// fails without naming a test counts as one failure. Above it stand the twenty slowest tests, and of each stage its
// time on the wall, that of all its processes on the processors, and its tests.

import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { aptInstall, aptInstallFromBackports, canUseApt, distributionCodename } from './support/apt.mjs';
import { findChromium } from './support/chromium.mjs';
import { watchCpu } from './support/cpuTime.mjs';
import { installPackages } from './support/install.mjs';
import { probeAdapter, swiftShaderEnvironment } from './support/vulkan.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */
/** @typedef {{ name: string, milliseconds: number }} Timing */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const reports = mkdtempSync(join(tmpdir(), 'pagoda-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} */
const summary = [];
/** @type {Timing[]} */
const timings = [];
/**
 * What the stage has taken so far in which it is asked: stages overlap.
 * @type {AsyncLocalStorage<{ cpuSeconds: number | null, tests: number }>}
 */
const cost = new AsyncLocalStorage();
/** @type {NodeJS.ProcessEnv} */
const env = { ...process.env, CI: '1' };

const bin = {
  // typescript-eslint still needs TypeScript 6; 7 checks in a fifth of the time.
  tsc: 'typescript7/bin/tsc',
  biome: '@biomejs/biome/bin/biome',
  eslint: 'eslint/bin/eslint.js',
  vitest: 'vitest/vitest.mjs',
  vite: 'vite/bin/vite.js',
  playwright: '@playwright/test/cli.js',
};

/** Of tests that the total names. */
class FailedTests extends Error {}

async function main() {
  await stage('packages', () => installPackages(root));
  await stage('browser', prepareBrowser);
  const adapter = await stage('vulkan', prepareVulkan);
  const checks = async () => {
    await stage('types', () => run('tsc', ['-p', '.', '--noEmit']));
    await stage('lint', async () => {
      await run('biome', ['format', '.']);
      await run('eslint', ['.', '--max-warnings', '0']);
    });
    await stage('build', () => run('vite', ['build', '--logLevel', 'warn']));
  };
  const both = [checks(), stage('dawn', () => (adapter === null ? skipDawnTests() : vitest('dawn')))];
  for (const outcome of await Promise.allSettled(both)) if (outcome.status === 'rejected') throw outcome.reason;
  await stage('unit', () => vitest('unit'));
  await stage('e2e', endToEndTests);
}

/**
 * @template T
 * @param {string} name
 * @param {() => T | Promise<T>} work throws where the stage fails
 * @returns {Promise<T>}
 */
async function stage(name, work) {
  console.log(`\n── ${name} ──`);
  const start = performance.now();
  let outcome = 'failed';
  const taken = { cpuSeconds: null, tests: 0 };
  try {
    const result = await cost.run(taken, work);
    outcome = 'ok';
    return result;
  } catch (error) {
    if (!(error instanceof FailedTests)) total.failed++;
    throw error;
  } finally {
    summary.push(summaryOf(name, outcome, (performance.now() - start) / 1000, taken));
  }
}

function summaryOf(
  /** @type {string} */ name,
  /** @type {string} */ outcome,
  /** @type {number} */ seconds,
  /** @type {{ cpuSeconds: number | null, tests: number }} */ { cpuSeconds, tests },
) {
  const time = (/** @type {number} */ value) => `${value.toFixed(1)} s`.padStart(9);
  const cpu = cpuSeconds === null ? '' : `${time(cpuSeconds)} CPU`;
  const counted = tests === 0 ? '' : `${tests}`.padStart(7) + ' tests';
  return `${name.padEnd(10)} ${outcome.padEnd(7)}${time(seconds)} ${cpu}${counted}`.trimEnd();
}

/** What it says comes in one piece when it ends, unless it runs alone and is watched. */
async function run(
  /** @type {keyof typeof bin} */ tool,
  /** @type {string[]} */ args,
  /** @type {{ env?: NodeJS.ProcessEnv, watched?: boolean }} */ { env: extra = {}, watched = false } = {},
) {
  const child = spawn(process.execPath, [join(root, 'node_modules', bin[tool]), ...args], {
    cwd: root,
    stdio: watched ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    env: { ...env, ...extra },
  });
  const cpuSeconds = watchCpu(child.pid);
  /** @type {Buffer[]} */
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(chunk));
  const [status] = await once(child, 'close');
  const [taken, seconds] = [cost.getStore(), cpuSeconds()];
  if (taken && seconds !== null) taken.cpuSeconds = (taken.cpuSeconds ?? 0) + seconds;
  if (said.length > 0) console.log(`\n${tool}:\n${Buffer.concat(said)}`);
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

async function vitest(/** @type {'unit' | 'dawn'} */ project) {
  const report = join(reports, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  await counted(
    () => run('vitest', ['run', '--project', `${project}*`, ...reporters], { watched: project === 'unit' }),
    () => readVitest(report),
  );
}

async function skipDawnTests() {
  const list = join(reports, 'dawn.json');
  await run('vitest', ['list', '--project', 'dawn', `--json=${list}`]);
  total.skipped += JSON.parse(readFileSync(list, 'utf8')).length;
}

async function endToEndTests() {
  const report = join(reports, 'playwright.json');
  await counted(
    () =>
      run('playwright', ['test', '--reporter=list,json'], {
        env: { PLAYWRIGHT_JSON_OUTPUT_NAME: report },
        watched: true,
      }),
    () => readPlaywright(report),
  );
}

/** Adds what a runner has reported to the total, whether it fails or not. */
async function counted(
  /** @type {() => Promise<void>} */ runner,
  /** @type {() => Counts & { timings: Timing[] } | null} */ read,
) {
  /** @type {unknown} */
  let failure = null;
  await runner().catch((error) => (failure = error));
  const report = read();
  total.passed += report?.passed ?? 0;
  total.failed += report?.failed ?? 0;
  total.skipped += report?.skipped ?? 0;
  timings.push(...(report?.timings ?? []));
  const taken = cost.getStore();
  if (taken && report) taken.tests += report.passed + report.failed + report.skipped;
  if (failure === null) return;
  throw report?.failed ? new FailedTests(failure instanceof Error ? failure.message : '') : failure;
}

/** @returns {Counts & { timings: Timing[] } | null} null where the runner left no report */
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
    timings: report.testResults.flatMap((/** @type {any} */ file) =>
      file.assertionResults.map((/** @type {any} */ test) => ({
        name: `${relative(root, file.name)}: ${test.fullName}`,
        milliseconds: test.duration ?? 0,
      })),
    ),
  };
}

/** @returns {Counts & { timings: Timing[] } | null} */
function readPlaywright(/** @type {string} */ path) {
  const report = readReport(path);
  if (!report) return null;
  const { expected, flaky, unexpected, skipped } = report.stats;
  /** @returns {Timing[]} */
  const timingsOf = (/** @type {any} */ suite) => [
    ...(suite.suites ?? []).flatMap(timingsOf),
    ...(suite.specs ?? []).map((/** @type {any} */ spec) => ({
      name: `e2e/${spec.file}: ${spec.title}`,
      milliseconds: Math.max(0, ...spec.tests[0].results.map((/** @type {any} */ result) => result.duration)),
    })),
  ];
  return { passed: expected + flaky, failed: unexpected, skipped, timings: report.suites.flatMap(timingsOf) };
}

function readReport(/** @type {string} */ path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function slowest() {
  const twenty = timings.sort((a, b) => b.milliseconds - a.milliseconds).slice(0, 20);
  return twenty.map(({ name, milliseconds }) =>
    `${(milliseconds / 1000).toFixed(1).padStart(6)} s  ${name.replaceAll(/\s+/g, ' ')}`.slice(0, 120),
  );
}

try {
  await main();
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  rmSync(reports, { recursive: true });
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  if (timings.length > 0) console.log(`\nThe slowest tests:\n${slowest().join('\n')}`);
  console.log(`\n${summary.join('\n')}\n\n${total.passed} passed, ${total.failed} failed${skipped}`);
}
