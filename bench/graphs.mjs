// npm run bench:graphs [webgpu]: how many nodes a UNet's graph has as Pagoda writes it of a checkpoint, beside what
// exporters write of the same UNet (fixtures/architectures/make.py: Optimum 2.1, torch 2.15's new exporter); as they
// come and as they run, with attention fused. With `webgpu` also what one forward of it costs on ONNX Runtime's WebGPU
// provider, by Dawn in Node on whatever Vulkan driver there is: dispatches and uploads, which no driver changes.

import { counting, end, load, openDawn } from './support/engine.mjs';

const COMMON = { sample_size: 8, layers_per_block: 1, cross_attention_dim: 16, norm_num_groups: 4 };
const [DOWN, CROSS_DOWN, UP, CROSS_UP] = ['DownBlock2D', 'CrossAttnDownBlock2D', 'UpBlock2D', 'CrossAttnUpBlock2D'];
/** As make.py has them. */
const UNETS = {
  sd: {
    ...COMMON,
    block_out_channels: [8, 16],
    down_block_types: [CROSS_DOWN, DOWN],
    up_block_types: [UP, CROSS_UP],
    attention_head_dim: [2, 4],
  },
  sdxl: {
    ...COMMON,
    block_out_channels: [8, 16],
    down_block_types: [DOWN, CROSS_DOWN],
    up_block_types: [CROSS_UP, UP],
    transformer_layers_per_block: [1, 2],
    attention_head_dim: [1, 2],
    use_linear_projection: true,
    addition_embed_type: 'text_time',
    addition_time_embed_dim: 8,
    projection_class_embeddings_input_dim: 6 * 8 + 12,
  },
};
const ROWS = 2;
const TOKENS = 5;
const TRAITS = { f16: true, fusesAttention: true };

const { unetFile } = await load('/fixtures/architectures/golden.ts');
const { unet } = await load('/src/checkpoints/networks/unetGraph.ts');
const { unetFromConfig } = await load('/src/checkpoints/unetConfig.ts');
const { FLOAT } = await load('/src/onnx/file/model.ts');
const { readModel } = await load('/src/onnx/file/read.ts');
const { runnable } = await load('/src/onnx/passes/runnable.ts');
const { OnnxFile } = await load('/src/engine/onnxFile.ts');

const gpu = process.argv[2] === 'webgpu' ? await openGpu() : null;
console.log(gpu ? 'file · nodes · as they run · dispatches · uploads' : 'file · nodes · as they run');
for (const [name, config] of Object.entries(UNETS)) {
  const own = unet(unetFromConfig(config), { weight: zeros, type: FLOAT, splitsGelu: false });
  const device = gpu?.backend ?? TRAITS;
  await print(`${name}: Pagoda`, own, () =>
    OnnxFile.built(own, name, { device, openFile: () => Promise.resolve(new Blob([new Uint8Array(1 << 20)])) }),
  );
  for (const exporter of ['optimum', 'dynamo']) {
    const file = unetFile(`${name}-${exporter}`);
    await print(`${name}: ${exporter}`, await readModel(file, name), () =>
      OnnxFile.open(file, name, { device, openFile: null }),
    );
  }
}
gpu?.device.destroy();
await end();

/**
 * @param {string} what
 * @param {any} model
 * @param {() => any} open
 */
async function print(what, model, open) {
  const counts = [model.nodes.length, runnable(model, TRAITS).model.nodes.length];
  console.log([what, ...counts, ...(gpu ? await gpu.forward(await open()) : [])].join(' · '));
}

/** A weight that nobody trained. @param {string} name @param {readonly number[]} dims */
function zeros(name, dims) {
  const length = 4 * dims.reduce((product, size) => product * size, 1);
  return { name, dims, dataType: FLOAT, raw: null, range: { location: 'zeros', offset: 0, length }, encoded: null };
}

async function openGpu() {
  const { instance, device } = await openDawn();
  const counted = { dispatches: 0, uploads: 0 };
  counting(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', () => (counted.dispatches += 1));
  counting(GPUQueue.prototype, 'writeBuffer', () => (counted.uploads += 1));
  const { GpuBackend } = await load('/src/engine/gpuBackend.ts');
  const { Unet } = await load('/src/engine/unet.ts');
  const { elemType } = await load('/src/engine/onnxFile.ts');
  const { loadNodeGpuRuntime } = await load('/src/engine/testing/nodeRuntime.ts');
  const backend = new GpuBackend(await loadNodeGpuRuntime(instance), device, { fusesAttention: true });
  const signal = new AbortController().signal;

  /** What a forward of two rows costs when everything is compiled. @param {any} file */
  async function forward(file) {
    const net = new Unet(backend, file, {});
    const dims = net.inputDims([4, 8, 8], ROWS);
    dims.set(net.inputs.context.name, [ROWS, TOKENS, COMMON.cross_attention_dim]);
    const feeds = Object.fromEntries(
      net.file.inputs
        .filter((/** @type {any} */ { name }) => name !== net.inputs.timestep.name)
        .map((/** @type {any} */ input) => {
          const shape = /** @type {number[]} */ (dims.get(input.name));
          const count = shape.reduce((product, size) => product * size, 1);
          return [input.name, backend.upload(elemType(input), shape, new Float32Array(count).fill(0.5))];
        }),
    );
    const { [net.inputs.sample.name]: sample, ...conditioning } = feeds;
    const fork = Array.from({ length: ROWS }, (_, source) => ({ source, identity: 0 }));
    const plan = await net.prepare([]);
    const run = async () => (await net.predict(plan, { sample, timestep: 501, conditioning, fork }, signal)).dispose();
    await run();
    Object.assign(counted, { dispatches: 0, uploads: 0 });
    await run();
    const { dispatches, uploads } = counted;
    await net.dispose();
    return [dispatches, uploads];
  }
  return { backend, device, forward };
}
