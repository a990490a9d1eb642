// npm run bench:steps [swiftshader]: what one warm step of the built-in pair costs the CPU on WebGPU, sent anew and
// replayed, in one run of Dawn in Node on whatever Vulkan driver there is: what is made, uploaded and dispatched (which
// no driver changes), and milliseconds of processors until all is submitted. And what is left of a replayed forward, by
// kind: its dispatches by the program that they run, and the nodes of the graphs that were recorded, by operator. A
// software driver takes minutes to compile the shaders first.

import { readFileSync } from 'node:fs';

import { counting, end, load, openDawn } from './support/engine.mjs';

const MODEL = 'public/models/pocket';
const [FEW, MANY] = [2, 6];
/** Of a step of the whole pair, before and behind the fork. */
const ROWS = [4, 5];

const { instance, device, adapter } = await openDawn({ swiftShader: process.argv[2] === 'swiftshader' });
const { GpuBackend } = await load('/src/engine/gpuBackend.ts');
const { loadNodeGpuRuntime } = await load('/src/engine/testing/nodeRuntime.ts');
const ort = await loadNodeGpuRuntime(instance);
/** @type {Record<string, number>} */
const counted = {};
count(GPUQueue.prototype, 'writeBuffer', 'uniform writes');
count(GPUDevice.prototype, 'createBindGroup', 'bind groups');
count(GPUDevice.prototype, 'createBuffer', 'buffers');
count(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', 'dispatches');
count(GPUComputePassEncoder.prototype, 'end', 'passes');
count(GPUQueue.prototype, 'submit', 'submits');
let program = '';
/** Dispatches by program. @type {Record<string, number>} */
let programs = {};
counting(GPUComputePassEncoder.prototype, 'setPipeline', ({ label }) => (program = label));
counting(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', () => add(programs, program));
/** Nodes by operator, of the segments recorded for a step of the whole pair. @type {Record<string, number>} */
const operators = {};
const { readModel } = await load('/src/onnx/file/read.ts');
const { INITIAL } = await load('/src/settings/fields.ts');
const { POCKET } = await load('/src/models/catalog.ts');
const { generate } = await load('/src/engine/generate.ts');
const { openModel } = await load('/src/engine/testing/openModel.ts');
const { readModelFiles } = await load('/src/engine/modelFiles.ts');

console.log(`${adapter.info.description || adapter.info.vendor} · one warm step of the built-in pair`);
const ordinary = await measure(false);
const recorded = await measure(true);
for (const [what, before] of Object.entries(ordinary.step)) {
  const after = recorded.step[what] ?? NaN;
  console.log(`  ${what.padEnd(34)} ${before.toFixed(1).padStart(8)} → ${after.toFixed(1).padStart(8)}`);
}
console.log(`  ${'seconds a pair of 6 steps'.padEnd(34)} ${ordinary.pair.toFixed(2)} → ${recorded.pair.toFixed(2)}`);
printTable('dispatches of a replayed forward, by program', programs);
printTable('nodes of its graphs, by operator', operators);
await end();

/** @param {boolean} captures */
async function measure(captures) {
  const backend = new GpuBackend(ort, device, { fusesAttention: true, captures });
  if (captures) countNodes(backend.capturing);
  const open = (/** @type {string} */ path) => Promise.resolve(new Blob([readFileSync(`${MODEL}/${path}`)]));
  const model = await openModel(backend, await readModelFiles(open), MODEL);
  const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
  const run = async (/** @type {number} */ steps) => {
    for (const what in counted) counted[what] = 0;
    const [wall, cpu] = [performance.now(), process.cpuUsage()];
    await generate(model, { ...INITIAL, ...POCKET.usual, prompt: POCKET.prompt, steps, compare: true }, hooks);
    await device.queue.onSubmittedWorkDone();
    const { user, system } = process.cpuUsage(cpu);
    /** @type {Record<string, number>} */
    const counts = { ...counted, 'ms of processors': (user + system) / 1000 };
    return { counts, wall: performance.now() - wall };
  };
  // Shaders are compiled, parameters and bind groups of these schedules made.
  for (const steps of [MANY, FEW, MANY]) await run(steps);
  const few = await run(FEW);
  const many = await run(MANY);
  /** @type {Record<string, number>} */
  const step = {};
  for (const what of Object.keys(many.counts))
    step[what] = ((many.counts[what] ?? 0) - (few.counts[what] ?? 0)) / (MANY - FEW);
  step['ms until a forward is submitted'] = await submitTime(model);
  return { step, pair: many.wall / 1000 };
}

/** Of the UNet alone, the best of ten: how long the CPU is busy with sending it. @param {any} model */
async function submitTime({ backend, unet, info }) {
  const signal = new AbortController().signal;
  const sample = backend.upload('float32', [4, ...info.latentShape], new Float32Array(4 * 12 * 64).fill(0.1));
  const states = backend.upload('float32', [4, 16, 128], new Float32Array(4 * 16 * 128).fill(0.1));
  const conditioning = { [unet.inputs.context.name]: states };
  const fork = [0, 1, 2, 3, 3].map((source, row) => ({ source, identity: row === 4 ? 1 : 0 }));
  const sizes = { latentShape: info.latentShape, conditioning, rows: [{ base: 4, behindFork: 5 }] };
  const plan = await unet.prepare(
    unet.sites.filter((/** @type {{ name: string }} */ { name }) => name.startsWith('mid_block')),
    signal,
    sizes,
  );
  let best = Infinity;
  for (let round = 0; round < 11; round += 1) {
    await device.queue.onSubmittedWorkDone();
    programs = {};
    const begun = performance.now();
    const predictions = await unet.predict(plan, { sample, timestep: 500 - round, conditioning, fork }, signal);
    if (round > 0) best = Math.min(best, performance.now() - begun);
    await device.queue.onSubmittedWorkDone();
    predictions.dispose();
  }
  return best;
}

/** @param {any} capturing */
function countNodes(capturing) {
  const record = capturing.session.bind(capturing);
  capturing.session = async (/** @type {any[]} */ ...args) => {
    const [graph, , label, inputs] = args;
    const isWhole = inputs.some((/** @type {{ dims: number[] }} */ { dims }) => ROWS.includes(dims[0] ?? 0));
    if (label.startsWith('unet') && isWhole)
      for (const { opType } of (await readModel(new Blob([graph]), label)).nodes) add(operators, opType);
    return record(...args);
  };
}

/** @param {Record<string, number>} sums @param {string} what */
function add(sums, what) {
  sums[what] = (sums[what] ?? 0) + 1;
}

/** The most first. @param {string} title @param {Record<string, number>} counts */
function printTable(title, counts) {
  const sum = Object.values(counts).reduce((all, each) => all + each, 0);
  console.log(`\n  ${title.padEnd(48)} ${String(sum).padStart(5)}`);
  for (const [what, count] of Object.entries(counts).sort(([, a], [, b]) => b - a))
    console.log(`    ${what.padEnd(46)} ${String(count).padStart(5)}`);
}

/** @param {any} prototype @param {string} method @param {string} what */
function count(prototype, method, what) {
  counted[what] = 0;
  counting(prototype, method, () => (counted[what] = (counted[what] ?? 0) + 1));
}
