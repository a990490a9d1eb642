// Weights in f8 with a scale each, in ComfyUI's form, against torch: single numbers in f32 and f16, a text encoder of
// such weights, and a LoRA merged into one (fixtures/checkpoints/make_scaled.py).

import { openAsBlob } from 'node:fs';
import { expect, test } from 'vitest';
import golden from '../../fixtures/checkpoints/scaled.json';
import { identify } from '../checkpoints/identify';
import { weightsIn } from '../checkpoints/networks/weightsIn';
import { readHeader } from '../checkpoints/safetensors';
import { safetensorsFile, type Entry } from '../checkpoints/testing/safetensorsFile';
import { CLIP_NETWORK } from '../configs/networkConfigs';
import { check } from '../configs/readJson';
import { float16ToFloat32 } from '../kernels/float16';
import { FLOAT, FLOAT16 } from '../onnx/file/model';
import { CpuBackend } from './cpuBackend';
import { mergedWeight } from './mergedWeight';
import { textGraph } from './networkGraphs';
import { OnnxFile } from './onnxFile';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';
import { weightsBlob } from './weightsBlob';

const backend = new CpuBackend(await loadNodeRuntime());
const file = await openAsBlob('fixtures/checkpoints/networks/scaled.safetensors');
const header = await readHeader(file);
const checkpoint = identify(header, { text: check(CLIP_NETWORK, 'config.json', golden.config) });
const [text] = checkpoint.textEncoders;
const weights = weightsIn(text!.sources, 'scaled.safetensors');
type Weight = keyof typeof golden.weights;
const named = (name: Weight) => (name.startsWith('text_model.') ? name : `text_model.${name}`);

test('each is its f8 numbers times its scale, as torch has it in f32 and rounds it to f16', async () => {
  expect(checkpoint.unknown).toEqual([]);
  const names = Object.keys(golden.weights) as Weight[];
  expect(names).toHaveLength(25);
  for (const name of names) {
    const { f32, f16 } = golden.weights[name];
    const { dataType, range } = weights(named(name), []);
    const scale = { file, ...range!.scale! };
    expect(scale.count).toBe(1);
    const read = async (to: number) => {
      const blob = file.slice(range!.offset, range!.offset + range!.length);
      return weightsBlob([{ blob, cast: { from: dataType, to }, scale }]).arrayBuffer();
    };
    expect([...new Float32Array(await read(FLOAT)).slice(0, f32.length)]).toEqual(f32.map(Math.fround));
    expect([...float16ToFloat32(new Uint16Array(await read(FLOAT16))).slice(0, f16.length)]).toEqual(f16);
  }
});

test('a text encoder of them gives what transformers does', async () => {
  const graph = textGraph(text!, 'scaled.safetensors')(backend);
  const options = { device: backend, openFile: () => Promise.resolve(file) };
  const built = OnnxFile.built(graph, 'scaled.safetensors', options).withTokensOutside();
  const session = await built.session(backend, built.upTo(['last_hidden_state']));
  const { hidden_size: width } = golden.config;
  const tokens = backend.upload('float32', [1, 77, width], await built.tokenRows(golden.ids));
  const made = await session.run({ [built.tokens!.input.name]: tokens });
  const states = await backend.read(made['last_hidden_state']!);
  expect(relativeError(states, Float32Array.from(golden.hidden))).toBeLessThan(5e-6);
  await session.dispose();
});

test('a LoRA of nothing leaves such a weight as it is', async () => {
  const name = (Object.keys(golden.weights) as Weight[]).find((one) => one.includes('q_proj'))!;
  const base = weights(named(name), []);
  const [out, input] = base.dims as [number, number];
  const zeros = (shape: readonly number[]): Entry => {
    const count = shape.reduce((all, size) => all * size, 1);
    return { dtype: 'F32', shape, bytes: new Uint8Array(4 * count) };
  };
  const lora = safetensorsFile(
    new Map([
      ['up', zeros([out, 1])],
      ['down', zeros([1, input])],
    ]),
  );
  const parts = (await readHeader(lora)).tensors;
  const module = { name: '', keys: [], up: parts.get('up')!, down: parts.get('down')!, mid: null, alpha: null };
  const change = { name: 'none', file: lora, weight: 1, module, rank: 1, alpha: null };
  const open = () => Promise.resolve(file);
  const merged = mergedWeight({ base, open, changes: [change] });
  const { f32 } = golden.weights[name];
  expect([...new Float32Array(await merged.arrayBuffer()).slice(0, f32.length)]).toEqual(f32.map(Math.fround));
});
