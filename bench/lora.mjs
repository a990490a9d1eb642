// npm run bench:lora [rank]: what a LoRA for all linear layers of SDXL's UNet takes to merge: CPU seconds of the
// products up · down that are added to the weights while these are read, one layer of each shape measured and counted
// as often as the UNet has it. Reading and converting the weights themselves is not in it.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createServer } from 'vite';

const rank = Number(process.argv[2] ?? 128);
const vite = await createServer({
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, watch: null, ws: false },
});
const { addProduct } = await vite.ssrLoadModule('/src/checkpoints/lora/loraProduct.ts');
const tables = JSON.parse(gunzipSync(readFileSync('fixtures/checkpoints/keys.json.gz')).toString());
/** @type {Map<string, number>} */
const shapes = new Map();
for (const [name, shape] of Object.entries(tables.real.sdxl.parts.unet))
  if (/attentions.*\.weight$/.test(name) && shape.length === 2)
    shapes.set(shape.join('×'), (shapes.get(shape.join('×')) ?? 0) + 1);

const random = (/** @type {number} */ length) => Float32Array.from({ length }, () => Math.random() - 0.5);
let [seconds, products] = [0, 0];
console.log('layers · [out × in] · 10⁹ products a second');
for (const [shape, count] of shapes) {
  const [out = 0, width = 0] = shape.split('×').map(Number);
  const lora = { up: random(out * rank), down: random(rank * width), rank, width };
  const rows = random(out * width);
  addProduct(rows.subarray(0, 4 * width), 0, lora, 0.5);
  const before = process.cpuUsage();
  addProduct(rows, 0, lora, 0.5);
  const { user, system } = process.cpuUsage(before);
  const [own, took] = [out * width * rank, (user + system) / 1e6];
  seconds += count * took;
  products += count * own;
  console.log(`${count} · ${shape} · ${(own / took / 1e9).toFixed(2)}`);
}
console.log(
  `rank ${rank}: ${(products / 1e9).toFixed(0)} · 10⁹ products in ${seconds.toFixed(1)} s of CPU time, ` +
    `${(products / seconds / 1e9).toFixed(2)} · 10⁹ a second`,
);
await vite.close();
process.exit(0);
