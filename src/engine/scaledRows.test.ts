// f8 with a scale for each row of a weight, in the names and shapes of several tools, against torch: each weight bit by
// bit, in f32, in f16 and as its transpose; a whole UNet, with padded channels and with a LoRA on top, against
// diffusers; a text encoder with packed projections against transformers (fixtures/checkpoints/make_scaled_rows.py).

import { createHash } from 'node:crypto';
import { openAsBlob, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { golden as networks } from '../../fixtures/checkpoints/networks';
import golden from '../../fixtures/checkpoints/scaled_rows.json';
import { identify } from '../checkpoints/identify';
import { fitLora } from '../checkpoints/lora/loraFit';
import { readLora } from '../checkpoints/lora/loraFile';
import { loraTargets } from '../checkpoints/lora/loraTargets';
import type { WeightSource } from '../checkpoints/networks/graphBuilder';
import { clipText } from '../checkpoints/networks/clipText';
import { predict } from '../checkpoints/networks/testing/built';
import { unet as unetOf } from '../checkpoints/networks/unetGraph';
import { weightsIn } from '../checkpoints/networks/weightsIn';
import { readHeader } from '../checkpoints/safetensors';
import { CLIP_NETWORK, UNET_NETWORK } from '../configs/networkConfigs';
import { check } from '../configs/readJson';
import { transposed } from '../onnx/file/inUse';
import { FLOAT, FLOAT16, type Tensor } from '../onnx/file/model';
import { CpuBackend } from './cpuBackend';
import { LoraStack } from './loraStack';
import { mergedWeight } from './mergedWeight';
import type { OpenFile } from './modelFiles';
import { OnnxFile } from './onnxFile';
import { CPU_F32 } from './testing/bounds';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';
import { Unet } from './unet';
import { weightsBlob } from './weightsBlob';

const FOLDER = 'fixtures/checkpoints/';
const NAME = 'scaled.safetensors';
const backend = new CpuBackend(await loadNodeRuntime());
const numbers = readFileSync(`${FOLDER}scaled_rows.bin`);

const unetFile = await openAsBlob(`${FOLDER}networks/scaled_rows.safetensors`);
const unet = identify(await readHeader(unetFile), { unet: check(UNET_NETWORK, 'config.json', golden.unet.config) });
const textFile = await openAsBlob(`${FOLDER}networks/scaled_rows_text.safetensors`);
const texts = identify(await readHeader(textFile), { text: check(CLIP_NETWORK, 'config.json', golden.text.config) });
const [text] = texts.textEncoders;
const opens =
  (file: Blob): OpenFile =>
  () =>
    Promise.resolve(file);

function numbersOf({ shape, offset }: { readonly shape: readonly number[]; readonly offset: number }): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  return Float32Array.from({ length: count }, (_, at) => numbers.readFloatLE(4 * (offset + at)));
}

async function sha256(blob: Blob): Promise<string> {
  return createHash('sha256')
    .update(new Uint8Array(await blob.arrayBuffer()))
    .digest('hex');
}

function asRead(file: Blob, { dataType, range }: Tensor, to: number): Blob {
  const { offset, length, transposed, scale } = range!;
  const blob = file.slice(offset, offset + length);
  return weightsBlob([{ blob, cast: { from: dataType, to }, transposed, scale: scale && { file, ...scale } }]);
}

describe.each([
  ['UNet', unetFile, weightsIn(unet.unet!.sources, NAME), golden.unet.weights, 144],
  ['text encoder', textFile, weightsIn(text!.sources, NAME), golden.text.weights, 26],
] as const)('%s', (_, file, weights, wanted, count) => {
  test('each weight is its f8 numbers times its scales, as torch has it, rounds it and transposes it', async () => {
    expect(Object.keys(wanted)).toHaveLength(count);
    const counts = new Set<string>();
    for (const [name, [f32, f16, turned]] of Object.entries(wanted)) {
      const weight = weights(name, []);
      counts.add(weight.range!.scale!.count === 1 ? 'one' : 'rows');
      expect(await sha256(asRead(file, weight, FLOAT)), name).toBe(f32);
      expect(await sha256(asRead(file, weight, FLOAT16)), name).toBe(f16);
      if (turned !== undefined)
        expect(await sha256(asRead(file, transposed(weight), FLOAT)), `${name}, transposed`).toBe(turned);
    }
    expect([...counts].sort()).toEqual(['one', 'rows']);
  });

  test('a weight in which LoRA are merged begins from the same numbers', async () => {
    for (const [name, [f32, , turned]] of Object.entries(wanted)) {
      const base = weights(name, []);
      const open = opens(file);
      expect(await sha256(mergedWeight({ base, open, changes: [] })), name).toBe(f32);
      if (turned !== undefined)
        expect(await sha256(mergedWeight({ base: transposed(base), open, changes: [] })), name).toBe(turned);
      const half = 4 * Math.floor(base.dims.reduce((product, size) => product * size, 1) / 2) + 4;
      const whole = await mergedWeight({ base, open, changes: [] }).arrayBuffer();
      const end = await mergedWeight({ base, open, changes: [] }).slice(half).arrayBuffer();
      expect(Buffer.compare(Buffer.from(end), Buffer.from(whole, half)), name).toBe(0);
    }
  });
});

describe('a whole UNet of such weights', () => {
  const { config, sources } = unet.unet!;
  const predicted = async (weight: WeightSource, openFile: OpenFile, type: typeof FLOAT | typeof FLOAT16 = FLOAT) => {
    const graph = unetOf(config, { weight, type, splitsGelu: false });
    const file = OnnxFile.built(graph, 'scaled.onnx', { device: backend, openFile });
    const opened = new Unet(backend, file, { in_channels: 9 });
    const made = await predict(opened, 'koala', [], backend);
    await opened.dispose();
    return { made, padded: [...file.graph.model.initializers.keys()].filter((name) => name.endsWith('.padded')) };
  };

  test('predicts what diffusers does, its nine input channels padded', async () => {
    expect(unet.unknown).toEqual([]);
    expect(networks.unets.koala.config).toEqual(golden.unet.config);
    const { made, padded } = await predicted(weightsIn(sources, NAME), opens(unetFile));
    expect(padded).toHaveLength(1);
    expect(relativeError(made, numbersOf(golden.unet.prediction))).toBeLessThan(CPU_F32);
  });

  test('with a LoRA on top too', async () => {
    const loraFile = await openAsBlob(`${FOLDER}networks/scaled_rows_lora.safetensors`);
    const fit = fitLora(await readLora(loraFile, 'small'), loraTargets({ unet: sources, texts: [] }));
    const { lora, prediction } = golden.unet;
    expect([fit.unused, fit.used]).toEqual([[], lora.tensors]);
    const one = { id: 'small', name: 'small', file: loraFile, weight: lora.weight, fit };
    const stack = new LoraStack([one], opens(unetFile));
    const { made } = await predicted(stack.weights('unet', weightsIn(sources, NAME)), stack.open);
    expect(relativeError(made, numbersOf(lora.prediction))).toBeLessThan(CPU_F32);
    expect(relativeError(made, numbersOf(prediction))).toBeGreaterThan(0.1);
  });
});

test('a text encoder with its projections in one tensor gives what transformers does', async () => {
  expect(texts.unknown).toEqual([]);
  const { ids, config, hidden, pooled } = golden.text;
  const options = { weight: weightsIn(text!.sources, NAME), type: FLOAT, splitsGelu: false, projects: true } as const;
  // Its end of text is no real tokenizer's.
  const graph = clipText({ ...text!.config, eos_token_id: config.eos_token_id }, options);
  const built = OnnxFile.built(graph, NAME, { device: backend, openFile: opens(textFile) }).withTokensOutside();
  const names = ['last_hidden_state', 'text_embeds'];
  const session = await built.session(backend, built.upTo(names));
  const tokens = backend.upload('float32', [1, ids.length, config.hidden_size], await built.tokenRows(ids));
  const fed = { [built.tokens!.input.name]: tokens };
  const rest = built.inputs.filter(({ name }) => !(name in fed));
  for (const { name } of rest) fed[name] = backend.upload('int32', [1, ids.length], Float32Array.from(ids));
  const made = await session.run(fed);
  expect(relativeError(await backend.read(made['last_hidden_state']!), numbersOf(hidden))).toBeLessThan(5e-6);
  expect(relativeError(await backend.read(made['text_embeds']!), numbersOf(pooled))).toBeLessThan(5e-6);
  await session.dispose();
});
