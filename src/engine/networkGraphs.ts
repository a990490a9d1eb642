// Networks of .safetensors files as graphs of a model: built for the device, with weights that are byte ranges of the
// files.

import { clipText } from '../checkpoints/networks/clipText';
import type { GraphOptions } from '../checkpoints/networks/graphBuilder';
import { tinyVaeDecoder } from '../checkpoints/networks/tinyVae';
import { unet } from '../checkpoints/networks/unetGraph';
import { vaeDecoder, vaeEncoder } from '../checkpoints/networks/vae';
import { weightsIn } from '../checkpoints/networks/weightsIn';
import type { Checkpoint } from '../checkpoints/identify';
import { readNetwork, type NetworkPaths } from '../checkpoints/networkFile';
import { refuseTask } from '../checkpoints/wholeModel';
import type { TextEncoderPart } from '../checkpoints/textEncoders';
import type { Sources } from '../checkpoints/tensorSources';
import type { TextConfig, VaeConfig } from '../configs/schemas';
import { FLOAT, FLOAT16, type Model } from '../onnx/file/model';
import type { BuildGraph, OpenFile } from './modelFiles';

type PartOf<Part extends 'unet' | 'vae'> = Pick<NonNullable<Checkpoint[Part]>, 'config' | 'sources'>;

/** @param file where the weights are whose sources name no file. */
export function unetGraph({ config, sources }: PartOf<'unet'>, file: string): BuildGraph {
  return built(sources, file, (options) => unet(config, options));
}

export function vaeGraph({ config, sources }: PartOf<'vae'>, file: string): BuildGraph {
  return built(sources, file, (options) => vaeDecoder(config, options));
}

/** null where the file has no encoder. */
export function vaeEncoderGraph({ config, sources }: PartOf<'vae'>, file: string): BuildGraph | null {
  return config.halves.includes('encoder') ? built(sources, file, (options) => vaeEncoder(config, options)) : null;
}

export function tinyVaeGraph(sources: Sources, file: string): BuildGraph {
  return built(sources, file, (options) => tinyVaeDecoder({}, options));
}

export function textGraph({ config, sources }: Pick<TextEncoderPart, 'config' | 'sources'>, file: string): BuildGraph {
  const projects = config.projection_dim !== null;
  return built(sources, file, (options) => clipText(config, { ...options, projects }));
}

/** The fields of its config.json that Pagoda reads. */
export function textConfigOf({ config }: Pick<TextEncoderPart, 'config'>): TextConfig {
  return {
    vocab_size: config.vocab_size,
    hidden_size: config.hidden_size,
    num_hidden_layers: config.num_hidden_layers,
    max_position_embeddings: config.max_position_embeddings,
  };
}

export function vaeConfigOf({ config }: Pick<PartOf<'vae'>, 'config'>): VaeConfig {
  return {
    block_out_channels: [...config.block_out_channels],
    ...(config.scaling_factor !== null && { scaling_factor: config.scaling_factor }),
    ...(config.shift_factor !== null && { shift_factor: config.shift_factor }),
  };
}

/**
 * A network of a folder in diffusers' layout. Its weights name their files by path from the model's folder.
 * @throws EngineError `model-invalid` that names the file.
 */
export async function folderGraph(
  paths: NetworkPaths,
  open: OpenFile,
): Promise<{ readonly graph: BuildGraph; readonly sources: Sources; readonly encoder?: BuildGraph | null }> {
  const { checkpoint } = await readNetwork(paths, async (path) => {
    const head = await open(path);
    return { head, size: head.size };
  });
  refuseTask(checkpoint);
  const { unet, vae, textEncoders } = checkpoint;
  const [text] = textEncoders;
  const file = paths.weights;
  if (paths.kind === 'unet' && unet) return { graph: unetGraph(unet, file), sources: unet.sources };
  if (paths.kind === 'vae' && vae)
    return { graph: vaeGraph(vae, file), sources: vae.sources, encoder: vaeEncoderGraph(vae, file) };
  if (text) return { graph: textGraph(text, file), sources: text.sources };
  throw new Error(`${paths.weights} was read without a ${paths.kind}.`);
}

function built(sources: Sources, file: string, build: (options: GraphOptions) => Model): BuildGraph {
  const weight = weightsIn(sources, file);
  return ({ f16, splitsGelu }, weights = (model) => model) =>
    build({ weight: weights(weight), type: f16 ? FLOAT16 : FLOAT, splitsGelu });
}
