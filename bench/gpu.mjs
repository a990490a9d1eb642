// npm run bench:gpu: what there is to know of a GPU, from Node alone (Dawn), with nothing to download: our attention
// beside ONNX Runtime's, and a perturbed row beside a copy; a UNet of SD 1.5's size whose weights are made on the spot,
// naive and forked; the built-in pair sent anew and replayed. Then the page in Chromium on the same GPU, where there is
// one (bench/page.mjs). A software driver gets a small UNet and few rounds: what it prints shows that the bench runs,
// and its counts.

import { spawnSync } from 'node:child_process';
import { findChromium } from '../scripts/support/chromium.mjs';
import { isSoftware, softwareWarning } from './support/adapters.mjs';
import { end, load, openDawn } from './support/engine.mjs';
import { pairSteps, printChange } from './support/pairSteps.mjs';
import { randomUnet } from './support/randomUnet.mjs';

const { instance, device, adapter } = await openDawn({ hardware: true, quickly: true });
const { loadNodeGpuRuntime } = await load('/src/engine/testing/nodeRuntime.ts');
const { GpuBackend } = await load('/src/engine/gpuBackend.ts');
const { oneAttention } = await load('/src/engine/oneAttention.ts');
const { writeSegment } = await load('/src/onnx/segments/write.ts');
const ort = await loadNodeGpuRuntime(instance);
const name = [adapter.info.vendor, adapter.info.architecture, adapter.info.description].filter(Boolean).join(' ');
const isSlow = isSoftware(name);
const ROUNDS = isSlow ? 2 : 10;
const signal = new AbortController().signal;
const backend = new GpuBackend(ort, device, { fusesAttention: true });
const type = backend.f16 ? 'float16' : 'float32';
const bytes = backend.f16 ? 2 : 4;

console.log(`${name} · ${backend.f16 ? 'f16' : 'f32'} · Dawn in Node ${process.version}`);
if (isSlow) console.log(softwareWarning(name));
await attentions();
await sizedUnet();
await builtIn();
device.destroy();
page();
await end();

async function builtIn() {
  const measure = await pairSteps(ort, device);
  const [few, many] = isSlow ? [1, 2] : [5, 20];
  const anew = await measure({ captures: false, few, many });
  const replayed = await measure({ captures: true, few, many });
  console.log('\nThe built-in pair, a warm step: sent anew → replayed');
  const wholes = [anew, replayed].map(({ step, seconds }) => ({
    ...step,
    [`seconds a pair of ${many} steps`]: seconds,
  }));
  printChange(wholes[0] ?? {}, wholes[1] ?? {});
  print('anew ÷ replayed', ratio(anew.step['ms'], replayed.step['ms']));
}

async function sizedUnet() {
  const { unet, latentShape, dim, title } = await randomUnet(backend, isSlow);
  const upload = (/** @type {number[]} */ dims) =>
    backend.upload(type, dims, new Float32Array(dims.reduce((all, size) => all * size, 1)).fill(0.3));
  const forward = async (/** @type {any[]} */ sites, /** @type {number} */ base, /** @type {any[]} */ fork) => {
    const plan = await unet.prepare(sites);
    const conditioning = { [unet.inputs.context.name]: upload([base, 77, dim]) };
    const sample = upload([base, ...latentShape]);
    const run = async () => (await unet.predict(plan, { sample, timestep: 500, conditioning, fork }, signal)).dispose();
    const took = await milliseconds(run);
    for (const tensor of [sample, ...Object.values(conditioning)]) tensor.dispose();
    return took;
  };
  const rows = (/** @type {number[]} */ ...sources) => sources.map((source) => ({ source, identity: 0 }));
  const mid = unet.sites.filter((/** @type {any} */ site) => site.name.startsWith('mid_block'));
  const whole = await forward([], 5, rows(0, 1, 2, 3, 4));
  const forked = await forward(mid, 4, [...rows(0, 1, 2, 3), { source: 3, identity: 1 }]);
  const plain = await forward([], 4, rows(0, 1, 2, 3));
  console.log(`\n${title}, a step of a pair, PAG at mid`);
  print('ms, four rows without PAG', plain.toFixed(1));
  print('ms, five rows through all of it (naive)', whole.toFixed(1));
  print('ms, the fifth forked off at mid', forked.toFixed(1));
  print('naive ÷ forked', ratio(whole, forked));
  await unet.dispose();
}

async function attentions() {
  console.log(
    '\nA self-attention of two rows: ours · MultiHeadAttention of ONNX Runtime · its two rows perturbed · a copy',
  );
  const edges = isSlow ? [16, 8] : [64, 32, 16, 8];
  for (const [index, edge] of edges.entries()) {
    const [heads, headDim] = [8, [40, 80, 160, 160][index + 4 - edges.length] ?? 160];
    const dims = [2, edge * edge, heads * headDim];
    const values = Float32Array.from({ length: dims.reduce((all, size) => all * size, 1) }, (_, at) => Math.sin(at));
    const [q, k, v, out] = [1, 2, 3, 4].map(() => backend.upload(type, dims, values));
    const ours = (/** @type {number} */ identity) =>
      milliseconds(() =>
        backend.attend(
          q,
          k,
          v,
          [0, 1].map((source) => ({ source, identity })),
          { heads, scale: null },
          out,
        ),
      );
    const graph = oneAttention(type, dims, { heads, scale: null });
    const segment = { nodes: graph.nodes, inputs: ['q', 'k', 'v'], outputs: ['out'], sites: [] };
    const session = await backend.createSession(writeSegment(graph, segment).bytes, new Blob(), 'attention');
    const [attended, perturbed] = [await ours(0), await ours(1)];
    const theirs = await milliseconds(async () => (await session.run({ q, k, v })).out.dispose());
    const copied = await milliseconds(() => Promise.resolve(copy(v, out)));
    const speed = (/** @type {number} */ ms) => `${((2 * values.length * bytes) / ms / 1e6).toFixed(1)} GB/s`;
    print(
      `${edge * edge} tokens, ${heads} heads of ${headDim}`,
      `${attended.toFixed(3)} · ${theirs.toFixed(3)} ms, ours ÷ theirs ${ratio(attended, theirs)} · ` +
        `${speed(perturbed)} · ${speed(copied)}, perturbed ÷ copy ${ratio(perturbed, copied)}`,
    );
    await session.dispose();
    for (const tensor of [q, k, v, out]) tensor.dispose();
  }
}

/** @param {any} from @param {any} to */
function copy(from, to) {
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(from.storage, 0, to.storage, 0, from.storage.size);
  device.queue.submit([encoder.finish()]);
}

/** Of one, of some in a row that the device may overlap. @param {() => Promise<unknown>} work */
async function milliseconds(work) {
  await work();
  await device.queue.onSubmittedWorkDone();
  const begun = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) await work();
  await device.queue.onSubmittedWorkDone();
  return (performance.now() - begun) / ROUNDS;
}

function page() {
  console.log();
  if (isSlow || !findChromium()) {
    const why = isSlow
      ? 'no GPU here: `npm run bench:page` measures it on SwiftShader'
      : 'no Chrome or Chromium was found';
    console.log(`The page in a browser was left out: ${why}.`);
  } else spawnSync(process.execPath, ['bench/page.mjs', 'gpu'], { stdio: 'inherit' });
}

/** @param {number | undefined} over @param {number | undefined} under */
function ratio(over = NaN, under = NaN) {
  return (over / under).toFixed(2);
}

/** @param {string} what @param {string} figure */
function print(what, figure) {
  console.log(`  ${what.padEnd(46)} ${figure}`);
}
