// npm run bench:linear [webgpu]: a linear layer of tokens as MatMul, whose weight is transposed while it is read, and
// as Gemm, which takes it as it lies in a PyTorch file but knows no batch: the tokens are flattened for it and brought
// back by their own sizes. On ONNX Runtime's WASM provider, one thread; with `webgpu` on its WebGPU provider, by Dawn
// in Node on whatever Vulkan driver there is, with a quarter of the tokens. The least CPU time of several runs in
// milliseconds (a software driver's is that of all its threads), dispatches of one, and what transposing takes of a
// load.

import { counting, end, load, openDawn } from './support/engine.mjs';

/** Of Stable Diffusion 1.5's and SDXL's UNet: tokens of a row, channels. */
const LAYERS = [
  [4096, 320],
  [1024, 640],
  [256, 1280],
  [1024, 1280],
];
const ROWS = 2;
const RUNS = 5;

const { GraphBuilder } = await load('/src/checkpoints/networks/graphBuilder.ts');
const { linear, linearOfRows } = await load('/src/checkpoints/networks/layerNodes.ts');
const { FLOAT } = await load('/src/onnx/file/model.ts');
const { OnnxFile } = await load('/src/engine/onnxFile.ts');
const { transposedPart } = await load('/src/engine/convertWeights.ts');
const { loadNodeRuntime, loadNodeGpuRuntime } = await load('/src/engine/testing/nodeRuntime.ts');

/** @typedef {(g: any, x: string, sizes: { from: number, to: number }) => string} Form */
/** @type {Record<string, Form>} */
const FORMS = {
  MatMul: linear,
  Gemm: (g, x, sizes) => {
    const rows = linearOfRows(g, g.op('Reshape', [x, g.int64s([-1, sizes.from])]), sizes);
    return g.op('Reshape', [rows, g.shapeOf(x)]);
  },
};
let dispatches = 0;
const gpu = process.argv[2] === 'webgpu';
const backend = gpu ? await gpuBackend() : await cpuBackend();
const random = (/** @type {number} */ length) => Float32Array.from({ length }, () => Math.random() - 0.5);

console.log('tokens × channels · ' + Object.keys(FORMS).join(' · ') + ' · of the load, transposing');
for (const [all = 0, channels = 0] of LAYERS) {
  const tokens = gpu ? all / 4 : all;
  const weights = random(channels * channels + channels);
  const cells = [];
  for (const form of Object.values(FORMS)) cells.push(await measure(form, tokens, channels, weights));
  const bytes = new Uint8Array(weights.buffer, 0, 4 * channels * channels);
  const matrix = { rows: channels, columns: channels };
  const ms = await least(() => Promise.resolve(transposedPart(bytes, matrix, [0, channels * channels])));
  cells.push(`${ms.toFixed(1)} ms, ${((bytes.length / ms) * 1e-6).toFixed(1)} GB/s`);
  console.log([`${tokens} × ${channels}`, ...cells].join(' · '));
}
await end();

/** @param {Form} form @param {number} tokens @param {number} channels @param {Float32Array<ArrayBuffer>} weights */
async function measure(form, tokens, channels, weights) {
  const weight = (/** @type {string} */ name, /** @type {number[]} */ dims) => {
    const isBias = name.endsWith('bias');
    const range = {
      location: 'weights',
      offset: isBias ? 4 * channels * channels : 0,
      length: 4 * channels * (isBias ? 1 : channels),
    };
    return { name, dims, dataType: FLOAT, raw: null, range, encoded: null };
  };
  const g = GraphBuilder.start({ weight, type: FLOAT, splitsGelu: false });
  const x = g.input('x', FLOAT, ['rows', 'tokens', channels]);
  const sizes = { from: channels, to: channels };
  g.output('out', form(g.in('layer'), x, sizes), ['rows', 'tokens', channels]);
  const file = OnnxFile.built(g.finish(), 'layer', {
    device: backend,
    openFile: () => Promise.resolve(new Blob([weights])),
  });
  const session = await file.session(backend, file.upTo(['out']));
  const input = backend.upload('float32', [ROWS, tokens, channels], random(ROWS * tokens * channels));
  let counted = 0;
  const ms = await least(async () => {
    const before = dispatches;
    const { out } = await session.run({ x: input });
    counted = dispatches - before;
    await backend.read(out);
    out.dispose();
  });
  input.dispose();
  await session.dispose();
  return `${ms.toFixed(1)} ms${gpu ? `, ${counted} dispatches` : ''}`;
}

/** @param {() => Promise<unknown>} work */
async function least(work) {
  let found = Infinity;
  for (let run = 0; run < RUNS; run += 1) {
    const begun = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(begun);
    found = Math.min(found, (user + system) / 1000);
  }
  return found;
}

async function cpuBackend() {
  const { CpuBackend } = await load('/src/engine/cpuBackend.ts');
  return new CpuBackend(await loadNodeRuntime());
}

async function gpuBackend() {
  const { instance, device } = await openDawn();
  counting(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', () => (dispatches += 1));
  const { GpuBackend } = await load('/src/engine/gpuBackend.ts');
  return new GpuBackend(await loadNodeGpuRuntime(instance), device, { fusesAttention: true });
}
