// npm run bench:live [webgpu]: what it costs to follow the slider.
//   a preview of a pair, decoded by the VAE and by the linear map from latents to colours; for the latents of Stable
//   Diffusion 1.x and XL the map alone: their VAEs are not here
//   a run of the built-in model at its usual settings whose PAG scale has moved: the pair made anew, and the image with
//   PAG alone, the other being kept
// On the CPU seconds; with `webgpu` (Dawn in Node, whatever Vulkan driver there is) also what no driver changes:
// dispatches, buffers, submits, and bytes read back. Rounds take turns and the best counts: other programs disturb.

import { readFileSync } from 'node:fs';

import { counting, end, load, openDawn } from './support/engine.mjs';

const ROUNDS = 8;
const RUNS = 3;

const { readModelFiles } = await load('/src/engine/modelFiles.ts');
const { openModel } = await load('/src/engine/testing/openModel.ts');
const { loadNodeRuntime, loadNodeGpuRuntime } = await load('/src/engine/testing/nodeRuntime.ts');
const { Previews } = await load('/src/engine/previews.ts');
const { generate } = await load('/src/engine/generate.ts');
const { KeptRuns } = await load('/src/engine/keptRuns.ts');
const { INITIAL } = await load('/src/settings/fields.ts');
const { POCKET } = await load('/src/models/catalog.ts');
const { CpuBackend } = await load('/src/engine/cpuBackend.ts');
const { signal } = new AbortController();
const counted = { dispatches: 0, buffers: 0, submits: 0, 'bytes read': 0 };

const usual = { ...INITIAL, ...POCKET.usual, prompt: POCKET.prompt };
const hooks = { signal, progress: () => {}, preview: () => {} };

await measure('CPU (WASM, 1 thread)', new CpuBackend(await loadNodeRuntime()), false);
if (process.argv[2] === 'webgpu') await measure('WebGPU', await openGpu(), true);
await end();

/** @param {string} name @param {any} backend @param {boolean} counts */
async function measure(name, backend, counts) {
  const folder = 'public/models/pocket';
  const open = (/** @type {string} */ path) => Promise.resolve(new Blob([readFileSync(`${folder}/${path}`)]));
  const model = await openModel(backend, await readModelFiles(open), folder);
  await model.previews.prepare(signal);
  const pair = backend.upload('float32', [2, 12, 8, 8], new Float32Array(2 * 12 * 64).fill(0.3));
  console.log(`${name}, a preview of a pair`);
  await print('built-in, decoded', counts, async () => {
    for (const image of [0, 1]) await model.vaeDecoder.decode(pair, image);
  });
  await print('built-in, linear map', counts, () => model.previews.of(pair, signal));
  for (const [what, edge, scaling_factor] of [
    ['SD 1.x, 512², linear map', 64, 0.18215],
    ['SDXL, 1024², linear map', 128, 0.13025],
  ]) {
    const config = { scaling_factor, block_out_channels: [128, 256, 512, 512] };
    const previews = new Previews(backend, model.vaeDecoder, config, [4, edge, edge]);
    const shape = [2, 4, Number(edge), Number(edge)];
    const latents = backend.upload('float32', shape, new Float32Array(8 * Number(edge) ** 2).fill(0.3));
    await print(String(what), counts, () => previews.of(latents, signal));
  }
  await moveSlider(model, counts);
}

/** @param {any} model @param {boolean} counts */
async function moveSlider(model, counts) {
  // A software GPU takes minutes for twenty.
  const own = counts ? { ...usual, steps: 3 } : usual;
  const kept = new KeptRuns();
  kept.add((await generate(model, own, hooks)).made);
  const best = { anew: [Infinity, Infinity], kept: [Infinity, Infinity] };
  const figures = { anew: '', kept: '' };
  for (let round = 1; round <= RUNS; round += 1) {
    const settings = { ...own, pagScale: 1 + round };
    for (const which of /** @type {const} */ (['anew', 'kept'])) {
      Object.assign(counted, { dispatches: 0, buffers: 0, submits: 0, 'bytes read': 0 });
      const cpu = process.cpuUsage();
      const { stats } = await generate(model, settings, hooks, which === 'kept' ? { kept } : {});
      const { user, system } = process.cpuUsage(cpu);
      const took = [stats.seconds, (user + system) / 1e6];
      best[which] = best[which].map((least, at) => Math.min(least, took[at] ?? least));
      const rows = `${stats.unetRows} rows, ${stats.rowsBeforeFork} and ${stats.rowsAfterFork} behind the fork`;
      figures[which] = [rows, ...(counts ? figuresOf() : [])].join(' · ');
    }
  }
  console.log(`  ${own.steps} steps, the slider moved`);
  for (const which of /** @type {const} */ (['anew', 'kept'])) {
    const [wall = NaN, cpu = NaN] = best[which];
    const label = { anew: 'both anew', kept: 'one kept' }[which].padEnd(12);
    console.log(`    ${label} ${wall.toFixed(2)} s, ${cpu.toFixed(2)} s of processors · ${figures[which]}`);
  }
  const [wall, cpu] = best.kept.map((seconds, at) => (seconds / (best.anew[at] ?? NaN)).toFixed(2));
  console.log(`    kept ÷ anew  ${wall}, of processors ${cpu}`);
}

function figuresOf() {
  return Object.entries(counted).map(([key, count]) => `${count} ${key}`);
}

/** @param {string} what @param {boolean} counts @param {() => Promise<unknown>} work */
async function print(what, counts, work) {
  await work();
  let best = { wall: Infinity, cpu: Infinity };
  for (let round = 0; round < ROUNDS; round += 1) {
    Object.assign(counted, { dispatches: 0, buffers: 0, submits: 0, 'bytes read': 0 });
    const [wall, cpu] = [performance.now(), process.cpuUsage()];
    await work();
    const { user, system } = process.cpuUsage(cpu);
    best = { wall: Math.min(best.wall, performance.now() - wall), cpu: Math.min(best.cpu, (user + system) / 1000) };
  }
  const figures = counts ? figuresOf() : [];
  console.log(
    [`  ${what.padEnd(26)} ${best.wall.toFixed(2)} ms, ${best.cpu.toFixed(2)} ms of processors`, ...figures].join(
      ' · ',
    ),
  );
}

async function openGpu() {
  const { instance, device } = await openDawn();
  counting(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', () => (counted.dispatches += 1));
  counting(GPUDevice.prototype, 'createBuffer', ({ size, usage }) => {
    counted.buffers += 1;
    if (usage & GPUBufferUsage.MAP_READ) counted['bytes read'] += size;
  });
  counting(GPUQueue.prototype, 'submit', () => (counted.submits += 1));
  const { GpuBackend } = await load('/src/engine/gpuBackend.ts');
  return new GpuBackend(await loadNodeGpuRuntime(instance), device, { fusesAttention: true });
}
