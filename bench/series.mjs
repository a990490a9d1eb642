// npm run bench:series: a series of 4 × 4 of the built-in model on the CPU, PAG scale over where PAG begins, each cell
// with what earlier ones have left, as the engine makes it, beside 16 runs by themselves: UNet rows, those that the
// page tells before it begins, and seconds of CPU time.

import { readFileSync } from 'node:fs';

import { end, load } from './support/engine.mjs';

const { readModelFiles } = await load('/src/engine/modelFiles.ts');
const { openModel } = await load('/src/engine/testing/openModel.ts');
const { loadNodeRuntime } = await load('/src/engine/testing/nodeRuntime.ts');
const { generate } = await load('/src/engine/generate.ts');
const { KeptRuns } = await load('/src/engine/keptRuns.ts');
const { CpuBackend } = await load('/src/engine/cpuBackend.ts');
const { planSeries } = await load('/src/series/cells.ts');
const { SharedRows } = await load('/src/store/sharedRows.ts');
const { INITIAL } = await load('/src/settings/fields.ts');
const { POCKET } = await load('/src/models/catalog.ts');

const folder = 'public/models/pocket';
const open = (/** @type {string} */ path) => Promise.resolve(new Blob([readFileSync(`${folder}/${path}`)]));
const model = await openModel(new CpuBackend(await loadNodeRuntime()), await readModelFiles(open), folder);
const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
const base = { ...INITIAL, ...POCKET.usual, prompt: POCKET.prompt };
const across = { name: 'pagScale', text: '1, 2, 4, 8' };
const down = { name: 'windowStart', text: '0, 0.25, 0.5, 0.75' };
const cells = planSeries(base, across, down).cells.map((/** @type {any} */ cell) => cell.settings);

await make(null);
const shared = new SharedRows(model.info, false);
console.log(`told before: ${sum(cells.map((/** @type {any} */ settings) => shared.next(settings)))} rows`);
await make(new KeptRuns());
await end();

/** @param {any} kept null: each cell by itself */
async function make(kept) {
  const before = process.cpuUsage();
  let rows = 0;
  for (const settings of cells) {
    const { made, stats } = await generate(model, settings, hooks, { kept });
    kept?.add(made);
    rows += stats.unetRows;
  }
  const { user, system } = process.cpuUsage(before);
  const how = kept ? 'as a series' : 'by themselves';
  console.log(`${cells.length} cells ${how}: ${rows} rows, ${((user + system) / 1e6).toFixed(1)} s of CPU time`);
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((all, one) => all + one, 0);
}
