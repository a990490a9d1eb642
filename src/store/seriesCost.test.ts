// What a series is said to take is what the engine runs for it, counted in rows of the UNet, beside as many separate
// runs. The cells are made one after the other, with what earlier ones have left.

import { afterAll, expect, test } from 'vitest';
import { CpuBackend } from '../engine/cpuBackend';
import { closeModel } from '../engine/diffusionModel';
import { generate } from '../engine/generate';
import { KeptRuns } from '../engine/keptRuns';
import { readModelFiles } from '../engine/modelFiles';
import { folder } from '../engine/testing/folder';
import { loadNodeRuntime } from '../engine/testing/nodeRuntime';
import { openModel } from '../engine/testing/openModel';
import { planSeries, type AxisText } from '../series/cells';
import { beyondPlan } from '../settings/beyondPlan';
import { INITIAL, type Settings } from '../settings/fields';
import { rowsOf } from './live';
import { SharedRows } from './sharedRows';

const backend = new CpuBackend(await loadNodeRuntime());
const model = await openModel(backend, await readModelFiles(folder('fixtures/models/tiny')), 'tiny');
afterAll(() => closeModel(model));

const BASE: Settings = { ...INITIAL, prompt: 'a cat', steps: 5, guidanceScale: 3, scheduler: 'euler-a' };

/** Rows of each cell, made as the engine makes a series. */
async function rowsMade(cells: readonly Settings[]): Promise<number[]> {
  let kept = { of: '', runs: new KeptRuns() };
  const rows: number[] = [];
  for (const settings of cells) {
    const of = beyondPlan(settings);
    if (kept.of !== of) kept = { of, runs: new KeptRuns() };
    const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
    const { made, stats } = await generate(model, settings, hooks, { kept: kept.runs });
    kept.runs.add(made);
    rows.push(stats.unetRows);
  }
  return rows;
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
const scales: AxisText = { name: 'pagScale', text: '0, 1, 2, 4' };

test.each<[string, AxisText, AxisText | null, Partial<Settings>, number, number]>([
  ['PAG that begins later', scales, { name: 'windowStart', text: '0, 0.5, 0.75, 1' }, {}, 82, 214],
  ['PAG that ends earlier', scales, { name: 'windowStop', text: '0.25, 0.5, 1' }, {}, 73, 228],
  ['seeds, without the image without PAG', scales, { name: 'seed', text: '1-2' }, {}, 110, 110],
  ['u at other layers', { name: 'identity', text: '0, 0.5, 1' }, { name: 'layers', text: 'mid, up' }, {}, 70, 112],
  ['seeds that come back', { name: 'layers', text: 'mid, up' }, { name: 'seed', text: '1-2' }, {}, 60, 60],
  ['words', { name: 'words', text: 'cat, dog' }, null, { compare: false }, 30, 30],
  ['rescaled guidance', { name: 'guidanceRescale', text: '0, 0.5' }, null, {}, 30, 30],
])('%s: rows as they were told, and those of separate runs', async (_, across, down, changes, together, alone) => {
  const cells = planSeries({ ...BASE, ...changes }, across, down).cells.map(({ settings }) => settings);
  const shared = new SharedRows(model.info, false);
  const told = cells.map((settings) => shared.next(settings) ?? NaN);
  expect(told).toEqual(await rowsMade(cells));
  const apart = sum(cells.map((settings) => rowsOf(settings, model.info, false, settings.compare)!));
  expect([sum(told), apart]).toEqual([together, alone]);
});
