// The networks of each family, built of a checkpoint's own structure and weights, held to diffusers and transformers
// part by part (fixtures/checkpoints/make.py): of single files, and of the files of a diffusers folder with their
// configs.

import { afterAll, expect, test } from 'vitest';
import {
  data,
  goldens,
  goldenValues,
  partFile,
  singleFile,
  small,
  type PartName,
  type Shape,
} from '../../fixtures/checkpoints/golden';
import { wholeTable } from '../../fixtures/checkpoints/pipelines';
import { identify, type Checkpoint, type Configs, type Part } from '../checkpoints/identify';
import { clipText } from '../checkpoints/networks/clipText';
import type { GraphOptions } from '../checkpoints/networks/graphBuilder';
import { unet } from '../checkpoints/networks/unetGraph';
import { vaeDecoder, vaeEncoder } from '../checkpoints/networks/vae';
import { weightsIn } from '../checkpoints/networks/weightsIn';
import { readHeader } from '../checkpoints/safetensors';
import type { Sources } from '../checkpoints/tensorSources';
import type { TextEncoderPart } from '../checkpoints/textEncoders';
import type { UnetStructure } from '../checkpoints/unetConfig';
import type { VaeStructure } from '../checkpoints/vaeConfig';
import { CLIP_NETWORK, UNET_NETWORK, VAE_NETWORK } from '../configs/networkConfigs';
import { check } from '../configs/readJson';
import { FLOAT, type Model } from '../onnx/file/model';
import { elements } from './backend';
import { CpuBackend } from './cpuBackend';
import { elemType, OnnxFile } from './onnxFile';
import { CPU_F32 } from './testing/bounds';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
const table: string[] = [];
afterAll(() => console.info(['family · form · part · worst error against diffusers', ...table].join('\n')));

type Feeds = Readonly<Record<string, readonly [Shape, ArrayLike<number>]>>;

/** All outputs that are asked for, by name. */
async function run(blob: Blob, sources: Sources, build: (options: GraphOptions) => Model, runs: readonly Feeds[]) {
  const model = build({ weight: weightsIn(sources, 'it'), type: FLOAT, splitsGelu: false });
  const file = OnnxFile.built(model, 'it', { device: backend, openFile: () => Promise.resolve(blob) });
  const session = await file.session(backend, file.upTo(file.outputs.map(({ name }) => name)));
  const made: Record<string, number[]> = {};
  for (const feeds of runs) {
    const tensors = file.inputs.map((input) => {
      const [dims, values] = feeds[input.name]!;
      return [input.name, backend.upload(elemType(input), dims, values)] as const;
    });
    const outputs = await session.run(Object.fromEntries(tensors));
    for (const [name, tensor] of Object.entries(outputs)) (made[name] ??= []).push(...(await backend.read(tensor)));
  }
  await session.dispose();
  return (name: string) => Float32Array.from(made[name]!);
}

interface Computation {
  readonly build: (options: GraphOptions) => Model;
  readonly runs: readonly Feeds[];
  /** Names of goldens, and the outputs that they are of. */
  readonly held: readonly (readonly [golden: string, output: string])[];
}

/** What make.py computed with a UNet of latents of this size: its two rows have a timestep each. */
function ofUnet({ config }: Part<UnetStructure>, golden: string): Computation {
  const size = golden.slice('unet-'.length).split('x').map(Number);
  const { in_channels: channels, cross_attention_dim: width, time_cond_proj_dim: guidance } = config;
  const of = (name: string, dims: Shape, row: number) =>
    [[1, ...dims.slice(1)], data(name, dims).slice(...rowOf(dims, row))] as const;
  const ids = config.addition_time_embed_dim ?? 0;
  const pooled = (config.projection_class_embeddings_input_dim ?? 0) - 6 * ids;
  const runs = [981, 21].map((timestep, row) => ({
    sample: of('sample', [2, channels, ...size], row),
    timestep: [[1], [timestep]] as const,
    encoder_hidden_states: of('encoder_hidden_states', [2, 7, width], row),
    ...(guidance !== null && { timestep_cond: of('timestep_cond', [2, guidance], row) }),
    ...(pooled > 0 && {
      text_embeds: of('text_embeds', [2, pooled], row),
      time_ids: [[1, 6], TIME_IDS[row]!] as const,
    }),
  }));
  return { build: (options) => unet(config, options), runs, held: [[golden, 'out_sample']] };
}

const TIME_IDS = [
  [64, 48, 0, 8, 64, 48],
  [32, 32, 0, 0, 32, 32],
];

function rowOf(dims: Shape, row: number): [number, number] {
  const each = elements(dims.slice(1));
  return [row * each, (row + 1) * each];
}

function ofVae({ config }: Part<VaeStructure>): Computation[] {
  const [latents, picture] = [
    [1, 4, 5, 3],
    [1, 3, 40, 24],
  ];
  return [
    {
      build: (options) => vaeDecoder(config, options),
      runs: [{ latent_sample: [latents, data('latents', latents)] }],
      held: [['vae-decoded', 'sample']],
    },
    {
      build: (options) => vaeEncoder(config, options),
      runs: [{ sample: [picture, data('picture', picture)] }],
      held: [['vae-encoded', 'latent_parameters']],
    },
  ];
}

function ofText({ config, padTokenId }: TextEncoderPart, goldenNames: readonly string[]): Computation {
  const projects = config.projection_dim !== null;
  const ids = [
    [49406, 320, 1125, 539, 320, 2368, 49407],
    [49406, 49407],
  ].flatMap((row) => [...row, ...new Array<number>(77 - row.length).fill(padTokenId)]);
  const outputs: Readonly<Record<string, string>> = {
    last: 'last_hidden_state',
    penultimate: `hidden_states.${config.num_hidden_layers - 1}`,
    pooled: 'text_embeds',
  };
  return {
    build: (options) => clipText(config, { ...options, projects }),
    runs: [{ input_ids: [[2, 77], ids] }],
    held: goldenNames.map((golden) => [golden, outputs[golden.slice(golden.indexOf('-') + 1)]!]),
  };
}

/** The worst error of a part's goldens; of a UNet's, which are of two sizes, of that one alone. */
async function worstOf(family: string, part: PartName, size: 0 | 1, blob: Blob, found: Checkpoint): Promise<number> {
  const places = goldens[family]!;
  const names = Object.keys(places).filter((name) => name.startsWith(`${part}-`));
  const texts = found.textEncoders.filter((one) => one !== null);
  const text = texts[part === 'text_encoder_2' ? texts.length - 1 : 0];
  const [sources, computations] =
    part === 'unet'
      ? [found.unet!.sources, [ofUnet(found.unet!, names[size]!)]]
      : part === 'vae'
        ? [found.vae!.sources, ofVae(found.vae!)]
        : [text!.sources, [ofText(text!, names)]];
  let worst = 0;
  for (const { build, runs, held } of computations) {
    const made = await run(blob, sources, build, runs);
    for (const [golden, output] of held) {
      const error = relativeError(made(output), goldenValues(places[golden]!));
      worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
    }
  }
  return worst;
}

const PARTS = ['unet', 'text_encoder', 'text_encoder_2', 'vae'] as const;
const CASES = Object.keys(goldens).flatMap((family) =>
  PARTS.filter((part) => Object.keys(goldens[family]!).some((name) => name.startsWith(`${part}-`))).map(
    (part) => [family, part] as const,
  ),
);

test.each(CASES)('%s: %s, of a single file and of a folder', async (family, part) => {
  const whole = small[family]!;
  // How many numbers each of SDXL's sizes becomes follows from its text encoder; of a UNet alone it is taken as 256.
  const single = singleFile(family === 'ssd-1b' ? wholeTable(family) : whole, 'F16');
  const config = whole.configs[part];
  const configs: Configs =
    part === 'unet'
      ? { unet: check(UNET_NETWORK, part, config) }
      : part === 'vae'
        ? { vae: check(VAE_NETWORK, part, config) }
        : { text: check(CLIP_NETWORK, part, config) };
  const alone = partFile(whole, part, 'F32');
  const errors = [
    ['single file', await worstOf(family, part, 1, single, identify(await readHeader(single)))],
    ['folder', await worstOf(family, part, 0, alone, identify(await readHeader(alone), configs))],
  ] as const;
  for (const [form, error] of errors) {
    expect(error, form).toBeLessThan(CPU_F32);
    table.push(`${family} · ${form} · ${part} · ${error.toExponential(1)}`);
  }
});
