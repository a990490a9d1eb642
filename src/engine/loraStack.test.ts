// LoRA merged into small models' weights, against what diffusers makes of the same files
// (fixtures/checkpoints/make_lora.py); and what is left as it lies.

import { expect, test } from 'vitest';
import { encoded, singleFile, small, weight } from '../../fixtures/checkpoints/golden';
import locon from '../../fixtures/checkpoints/locon.json';
import {
  loraCases,
  loraFile,
  loraNumbers,
  loraOf,
  SAMPLES,
  samplesOf,
  type LoraCase,
} from '../../fixtures/checkpoints/lora';
import { fitLora } from '../checkpoints/lora/loraFit';
import { readLora } from '../checkpoints/lora/loraFile';
import { loraTargets, type LoraNetwork } from '../checkpoints/lora/loraTargets';
import { identify } from '../checkpoints/identify';
import { weightsIn } from '../checkpoints/networks/weightsIn';
import { readHeader } from '../checkpoints/safetensors';
import { safetensorsFile, type Entry } from '../checkpoints/testing/safetensorsFile';
import type { Sources } from '../checkpoints/tensorSources';
import { LoraStack } from './loraStack';
import { relativeError } from './testing/unetChecks';

const FOLDERS = { unet: 'unet', text: 'text_encoder', text2: 'text_encoder_2' } as const;

const opened = new Map<string, ReturnType<typeof readModel>>();

/** The f16 file of a small model, read once. */
function modelOf(family: string): ReturnType<typeof readModel> {
  const known = opened.get(family) ?? readModel(singleFile(small[family]!, 'F16'));
  opened.set(family, known);
  return known;
}

async function readModel(file: Blob) {
  const { unet, textEncoders } = identify(await readHeader(file));
  const networks = new Map<LoraNetwork, Sources>([['unet', unet!.sources]]);
  textEncoders.forEach((part, at) => part && networks.set(at === 0 ? 'text' : 'text2', part.sources));
  const texts = textEncoders.flatMap((part) => (part ? [part.sources] : []));
  return { file, networks, targets: loraTargets({ unet: unet!.sources, texts }) };
}

async function stackOf(model: Awaited<ReturnType<typeof readModel>>, loras: LoraCase['loras'], dtype: 'F32' | 'F16') {
  const opened = await Promise.all(
    loras.map(async ({ file: name, weight: strength }) => {
      const file = loraFile(name, dtype);
      const fit = fitLora(await readLora(file), model.targets);
      expect(fit.unused).toEqual([]);
      return { id: name, name, file, weight: strength, fit };
    }),
  );
  return new LoraStack(opened, () => Promise.resolve(model.file));
}

/** The merged weight, whole. */
async function merged(stack: LoraStack, sources: Sources, network: LoraNetwork, name: string) {
  const { range } = stack.weights(network, weightsIn(sources, 'model.safetensors'))(name, []);
  const blob = await stack.open(range!.location!);
  expect(blob.size).toBe(range!.length);
  return new Float32Array(await blob.arrayBuffer());
}

test.each(Object.keys(loraCases))('%s: the merged weights are diffusers’, and no other is touched', async (name) => {
  const { family, loras, changed, offset } = loraCases[name]!;
  const model = await modelOf(family);
  const stack = await stackOf(model, loras, 'F32');
  let at = offset;
  for (const [network, sources] of model.networks) {
    const names = changed[network] ?? [];
    const mergedNames = [...sources.keys()].filter((parameter) =>
      stack.weights(network, weightsIn(sources, 'm'))(parameter, []).range?.location?.startsWith('merged:'),
    );
    expect(mergedNames.sort()).toEqual([...names].sort());
    for (const parameter of names) {
      const base = weight(parameter, small[family]!.parts[FOLDERS[network]]![parameter]!);
      const change = (await merged(stack, sources, network, parameter)).map((value, k) => value - base[k]!);
      const expected = loraNumbers(at, SAMPLES);
      expect(relativeError(samplesOf(change), expected), `${network} ${parameter}`).toBeLessThan(1e-4);
      at += SAMPLES;
    }
  }
});

test('a convolution’s kernel between the factors (Tucker form) gives what LyCORIS makes of it', async () => {
  const { keys, alphas, parameter, samples } = locon;
  const model = await modelOf('sd1');
  const file = loraOf({ keys, alphas });
  const fit = fitLora(await readLora(file), model.targets);
  expect(fit.unused).toEqual([]);
  const stack = new LoraStack([{ id: 'one', name: 'one', file, weight: 1, fit }], () => Promise.resolve(model.file));
  const base = weight(parameter, [64, 64, 3, 3]);
  const whole = await merged(stack, model.networks.get('unet')!, 'unet', parameter);
  const change = whole.map((value, at) => value - base[at]!);
  expect(relativeError(samplesOf(change), Float32Array.from(samples))).toBeLessThan(1e-4);
});

test('a slice of a merged weight is that part of the whole, also of one stored packed or transposed', async () => {
  const model = await readModel(singleFile(small['sdxl']!, 'BF16'));
  const sources = model.networks.get('text2')!;
  for (const module of ['text_projection', 'text_model.encoder.layers.0.self_attn.k_proj']) {
    const name = `lora_te2_${module.replaceAll('.', '_')}`;
    const part = (key: string, shape: readonly number[]): [string, Entry] => [
      `${name}.${key}.weight`,
      { dtype: 'BF16', shape, bytes: encoded(weight(key, shape), 'BF16') },
    ];
    const file = safetensorsFile(new Map([part('lora_down', [5, 192]), part('lora_up', [192, 5])]));
    const fit = fitLora(await readLora(file), model.targets);
    const lora = { id: 'one', name, file, weight: 1, fit };
    const stack = new LoraStack([lora], () => Promise.resolve(model.file));
    const whole = await merged(stack, sources, 'text2', `${module}.weight`);
    const [base, up, down] = [
      weight(`${module}.weight`, [192, 192]),
      weight('lora_up', [192, 5]),
      weight('lora_down', [5, 192]),
    ];
    const expected = base.map((value, at) => {
      const [row, column] = [Math.floor(at / 192), at % 192];
      return [0, 1, 2, 3, 4].reduce((sum, p) => sum + up[row * 5 + p]! * down[p * 192 + column]!, value);
    });
    expect(relativeError(whole, expected)).toBeLessThan(1e-6);
    const { range } = stack.weights('text2', weightsIn(sources, 'm'))(`${module}.weight`, []);
    const blob = await stack.open(range!.location!);
    const slice = blob.slice(4 * 101, 4 * 1003).slice(4 * 7);
    expect(new Float32Array(await slice.arrayBuffer())).toEqual(whole.slice(108, 1003));
    expect(() => blob.slice(3)).toThrow(RangeError);
  }
});

test('a LoRA of weight 0 is as none; a name says all that went into a weight', async () => {
  const model = await modelOf('sd1');
  const sources = model.networks.get('unet')!;
  const plain = weightsIn(sources, 'm');
  const of = async (kohya: number, peft: number) => {
    const fits = await Promise.all(
      [['kohya', kohya] as const, ['peft', peft] as const].map(async ([id, strength]) => {
        const file = loraFile(id);
        return { id, name: id, file, weight: strength, fit: fitLora(await readLora(file), model.targets) };
      }),
    );
    return new LoraStack(fits, () => Promise.resolve(model.file));
  };
  const [none, one, both] = [await of(0, 0), await of(0.5, 0), await of(0.5, 1)];
  const [attention, resnet] = [
    'down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q',
    'mid_block.resnets.0.conv1',
  ];
  const location = (stack: LoraStack, module: string) =>
    stack.weights('unet', plain)(`${module}.weight`, []).range?.location;
  for (const module of [attention, resnet]) expect(location(none, module)).toBe('m');
  expect(none.signature('unet')).toBe('');
  expect(location(one, resnet)).toBe(location(both, resnet));
  expect(location(one, attention)).not.toBe(location(both, attention));
  expect(one.signature('unet')).not.toBe(both.signature('unet'));
});
