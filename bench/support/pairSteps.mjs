// What a warm step of the built-in pair costs, on one device, sent anew or replayed: what is made, uploaded and
// dispatched, milliseconds of this process's processors, and how long the CPU is busy with sending one forward. Of a
// replayed forward also its dispatches, ours by kernel, and the nodes of its graphs by operator.

import { readFileSync } from 'node:fs';

import { counting, load } from './engine.mjs';

const MODEL = 'public/models/pocket';
/** Of a step of the whole pair, before and behind the fork. */
const ROWS = [4, 5];
const ROUNDS = 11;

/** @typedef {Record<string, number>} Counts */

/** Counts from now on. @param {any} ort @param {GPUDevice} device */
export async function pairSteps(ort, device) {
  const { GpuBackend } = await load('/src/engine/gpuBackend.ts');
  const { INITIAL } = await load('/src/settings/fields.ts');
  const { POCKET } = await load('/src/models/catalog.ts');
  const { generate } = await load('/src/engine/generate.ts');
  const { openModel } = await load('/src/engine/testing/openModel.ts');
  const { readModelFiles } = await load('/src/engine/modelFiles.ts');
  const { readModel } = await load('/src/onnx/file/read.ts');
  const { selectSites } = await load('/src/onnx/sites/layers.ts');
  const settings = { ...INITIAL, ...POCKET.usual, prompt: POCKET.prompt, compare: true };
  const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };

  /** @type {Counts} */
  const counted = {};
  let program = '';
  /** @type {Counts} */
  let programs = {};
  const count = (/** @type {any} */ kind, /** @type {string} */ method, /** @type {string} */ what) => {
    counted[what] = 0;
    counting(kind.prototype, method, () => add(counted, what));
  };
  count(GPUQueue, 'writeBuffer', 'uniform writes');
  count(GPUDevice, 'createBindGroup', 'bind groups');
  count(GPUDevice, 'createBuffer', 'buffers');
  count(GPUComputePassEncoder, 'dispatchWorkgroups', 'dispatches');
  count(GPUComputePassEncoder, 'end', 'passes');
  count(GPUQueue, 'submit', 'submits');
  counting(GPUComputePassEncoder.prototype, 'setPipeline', ({ label }) => (program = label));
  counting(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', () => add(programs, program || "ONNX Runtime's"));

  /**
   * A step is the difference of two runs; seconds are those of the longer one.
   * @param {{ captures: boolean, few: number, many: number }} asked
   * @returns {Promise<{ step: Counts, seconds: number, programs: Counts, operators: Counts }>}
   */
  return async function measure({ captures, few, many }) {
    const backend = new GpuBackend(ort, device, { fusesAttention: true, captures });
    const operators = captures ? countedNodes(backend.capturing, readModel) : {};
    const open = (/** @type {string} */ path) => Promise.resolve(new Blob([readFileSync(`${MODEL}/${path}`)]));
    const model = await openModel(backend, await readModelFiles(open), MODEL);
    const run = async (/** @type {number} */ steps) => {
      for (const what in counted) counted[what] = 0;
      const [wall, cpu] = [performance.now(), process.cpuUsage()];
      await generate(model, { ...settings, steps }, hooks);
      await device.queue.onSubmittedWorkDone();
      const { user, system } = process.cpuUsage(cpu);
      const ms = performance.now() - wall;
      return { 'ms of processors': (user + system) / 1000, ms, ...counted };
    };
    // Shaders are compiled, parameters and bind groups of these schedules made.
    for (const steps of [many, few, many]) await run(steps);
    /** @type {Counts} */
    const short = await run(few);
    /** @type {Counts} */
    const long = await run(many);
    /** @type {Counts} */
    const step = {};
    for (const [what, all] of Object.entries(long)) step[what] = (all - (short[what] ?? 0)) / (many - few);
    step['ms until a forward is submitted'] = await submitTime(model);
    return { step, seconds: (long['ms'] ?? NaN) / 1000, programs, operators };
  };

  /** Of the UNet alone, the best of some. @param {any} model */
  async function submitTime({ backend, unet, info }) {
    const upload = (/** @type {number[]} */ dims) =>
      backend.upload('float32', dims, new Float32Array(dims.reduce((all, size) => all * size, 1)).fill(0.1));
    const [base, behindFork] = /** @type {[number, number]} */ (ROWS);
    const sample = upload([base, ...info.latentShape]);
    const conditioning = { [unet.inputs.context.name]: upload([base, ...unet.inputs.context.dims.slice(1)]) };
    const fork = [0, 1, 2, 3, 3].map((source, row) => ({ source, identity: row === base ? 1 : 0 }));
    const sizes = { latentShape: info.latentShape, conditioning, rows: [{ base, behindFork }] };
    const plan = await unet.prepare(selectSites(settings.layers, unet.sites), hooks.signal, sizes);
    let best = Infinity;
    for (let round = 0; round < ROUNDS; round += 1) {
      await device.queue.onSubmittedWorkDone();
      programs = {};
      const begun = performance.now();
      const input = { sample, timestep: 500 - round, conditioning, fork };
      const predictions = await unet.predict(plan, input, hooks.signal);
      if (round > 0) best = Math.min(best, performance.now() - begun);
      await device.queue.onSubmittedWorkDone();
      predictions.dispose();
    }
    return best;
  }
}

/**
 * Nodes by operator of the UNet's segments that are recorded for a step of the whole pair.
 * @param {any} capturing @param {any} readModel
 */
function countedNodes(capturing, readModel) {
  /** @type {Counts} */
  const operators = {};
  const record = capturing.session.bind(capturing);
  capturing.session = async (/** @type {any[]} */ ...args) => {
    const [graph, , label, inputs] = args;
    const isWhole = inputs.some((/** @type {{ dims: number[] }} */ { dims }) => ROWS.includes(dims[0] ?? 0));
    if (label.startsWith('unet') && isWhole)
      for (const { opType } of (await readModel(new Blob([graph]), label)).nodes) add(operators, opType);
    return record(...args);
  };
  return operators;
}

/** @param {Counts} sums @param {string} what */
function add(sums, what) {
  sums[what] = (sums[what] ?? 0) + 1;
}

/** Side by side. @param {Counts} before @param {Counts} after */
export function printChange(before, after) {
  for (const [what, figure] of Object.entries(before)) {
    const now = (after[what] ?? NaN).toFixed(1);
    console.log(`  ${what.padEnd(46)} ${figure.toFixed(1).padStart(8)} → ${now.padStart(8)}`);
  }
}

/** The most first. @param {string} title @param {Counts} counts */
export function printKinds(title, counts) {
  const sum = Object.values(counts).reduce((all, each) => all + each, 0);
  console.log(`\n  ${title.padEnd(46)} ${String(sum).padStart(8)}`);
  for (const [what, count] of Object.entries(counts).sort(([, a], [, b]) => b - a))
    console.log(`    ${what.padEnd(44)} ${String(count).padStart(8)}`);
}
