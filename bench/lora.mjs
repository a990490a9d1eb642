// npm run bench:lora [rank]: what a LoRA for all linear layers of SDXL's UNet takes to merge: CPU seconds of the
// products up · down, and of the whole, as the weights are read, widened from f16, changed and given out in pieces. One
// layer of each shape is measured and counted as often as the UNet has it.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import { end, load } from './support/engine.mjs';

const rank = Number(process.argv[2] ?? 128);
const { addProduct } = await load('/src/checkpoints/lora/loraProduct.ts');
const { mergedWeight } = await load('/src/engine/mergedWeight.ts');
const { weightsBlob } = await load('/src/engine/weightsBlob.ts');
const { FLOAT16 } = await load('/src/onnx/file/model.ts');
const tables = JSON.parse(gunzipSync(readFileSync('fixtures/checkpoints/keys.json.gz')).toString());
/** @type {Map<string, number>} */
const shapes = new Map();
for (const [name, shape] of Object.entries(tables.real.sdxl.parts.unet))
  if (/attentions.*\.weight$/.test(name) && shape.length === 2)
    shapes.set(shape.join('×'), (shapes.get(shape.join('×')) ?? 0) + 1);

/** Numbers below 1, as f16. @param {number} length */
const halves = (length) => Uint16Array.from({ length }, () => (Math.random() * 0x10000) & 0xb7ff);
const total = { seconds: 0, products: 0, whole: 0 };
console.log('layers · [out × in] · 10⁹ products a second · seconds of all that a layer takes');
for (const [shape, count] of shapes) {
  const [out = 0, width = 0] = shape.split('×').map(Number);
  const lora = { up: numbers(out * rank), down: numbers(rank * width), rank, width };
  const rows = numbers(out * width);
  const took = await cpuSeconds(() => addProduct(rows, 0, lora, 0.5));
  const merge = layer(out, width);
  const whole = await cpuSeconds(async () => {
    const reader = weightsBlob([{ blob: mergedWeight(merge) }, { blob: new Blob([]) }])
      .stream()
      .getReader();
    while (!(await reader.read()).done);
  });
  const products = out * width * rank;
  total.seconds += count * took;
  total.products += count * products;
  total.whole += count * whole;
  console.log(`${count} · ${shape} · ${(products / took / 1e9).toFixed(2)} · ${whole.toFixed(2)}`);
}
console.log(
  `rank ${rank}: ${(total.products / 1e9).toFixed(0)} · 10⁹ products in ${total.seconds.toFixed(1)} s of CPU time, ` +
    `${(total.products / total.seconds / 1e9).toFixed(2)} · 10⁹ a second; all together ${total.whole.toFixed(1)} s`,
);
await end();

/** @param {number} length */
function numbers(length) {
  return Float32Array.from({ length }, () => Math.random() - 0.5);
}

/** The least of three, when all is compiled. @param {() => unknown} work */
async function cpuSeconds(work) {
  let least = Infinity;
  for (let turn = 0; turn < 3; turn += 1) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1e6);
  }
  return least;
}

/** What `mergedWeight` reads: a weight in f16 with a LoRA in f16. @param {number} out @param {number} width */
function layer(out, width) {
  const file = new Blob([halves(out * width), halves(rank * (out + width))]);
  const length = 2 * out * width;
  const factor = (/** @type {number} */ offset, /** @type {number[]} */ shape) => ({
    dtype: 'F16',
    shape,
    offset,
    length: 2 * shape.reduce((product, size) => product * size, 1),
  });
  const up = factor(length, [out, rank]);
  const down = factor(length + up.length, [rank, width]);
  return {
    base: {
      name: 'weight',
      dims: [out, width],
      dataType: FLOAT16,
      raw: null,
      encoded: null,
      range: { location: 'file', offset: 0, length },
    },
    open: () => Promise.resolve(file),
    changes: [
      {
        module: { name: 'layer', up, down, mid: null, alpha: null, keys: [] },
        rank,
        alpha: null,
        name: 'LoRA',
        file,
        weight: 0.5,
      },
    ],
  };
}
