// A UNet of SD 1.5's structure with weights that are made on the spot: how long it takes does not depend on them. A
// small one for software drivers, an eighth as wide.

import { load } from './engine.mjs';

const CROSS = ['CrossAttnDownBlock2D', 'CrossAttnUpBlock2D'];
const SD15 = {
  in_channels: 4,
  sample_size: 64,
  layers_per_block: 2,
  block_out_channels: [320, 640, 1280, 1280],
  cross_attention_dim: 768,
  attention_head_dim: 8,
  norm_num_groups: 32,
  down_block_types: [CROSS[0], CROSS[0], CROSS[0], 'DownBlock2D'],
  up_block_types: ['UpBlock2D', CROSS[1], CROSS[1], CROSS[1]],
};
const SMALL = {
  ...SD15,
  sample_size: 8,
  block_out_channels: SD15.block_out_channels.map((channels) => channels / 8),
  cross_attention_dim: SD15.cross_attention_dim / 8,
  norm_num_groups: 4,
};
/** Each weight is a range from the beginning of one file, which is as long as the largest of them. */
const FILE = 'random';

/** @param {any} backend @param {boolean} isSmall */
export async function randomUnet(backend, isSmall) {
  const { unet: graphOf } = await load('/src/checkpoints/networks/unetGraph.ts');
  const { unetFromConfig } = await load('/src/checkpoints/unetConfig.ts');
  const { FLOAT, FLOAT16 } = await load('/src/onnx/file/model.ts');
  const { OnnxFile } = await load('/src/engine/onnxFile.ts');
  const { Unet } = await load('/src/engine/unet.ts');
  const config = isSmall ? SMALL : SD15;
  const [dataType, bytes] = backend.f16 ? [FLOAT16, 2] : [FLOAT, 4];
  let [longest, sum] = [0, 0];
  const weight = (/** @type {string} */ name, /** @type {number[]} */ dims) => {
    const length = bytes * dims.reduce((product, size) => product * size, 1);
    longest = Math.max(longest, length);
    sum += length;
    return { name, dims, dataType, raw: null, range: { location: FILE, offset: 0, length }, encoded: null };
  };
  const { splitsGelu } = backend;
  const graph = graphOf(unetFromConfig(config), { weight, type: dataType, splitsGelu });
  const numbers = randomNumbers(longest, bytes);
  const file = OnnxFile.built(graph, 'unet', { device: backend, openFile: () => Promise.resolve(numbers) });
  const { sample_size: edge, cross_attention_dim: dim } = config;
  const which = isSmall ? "A UNet of SD 1.5's structure, an eighth as wide" : "A UNet of SD 1.5's size";
  const title = `${which} (${(sum / 1e6).toFixed(0)} MB), ${edge}×${edge} latents`;
  return { unet: new Unet(backend, file, {}), latentShape: [4, edge, edge], dim, title };
}

/** Between −0.03 and 0.03. @param {number} length @param {number} bytes of a number */
function randomNumbers(length, bytes) {
  const count = length / bytes;
  if (bytes === 4) return new Blob([Float32Array.from({ length: count }, () => 0.06 * (Math.random() - 0.5))]);
  // A sign, 2⁻⁶ and a mantissa: 1/64 to 1/32.
  return new Blob([Uint16Array.from({ length: count }, () => 0x2400 | (0x83ff & (65536 * Math.random())))]);
}
