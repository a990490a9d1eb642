// A model with the VAE of another file in place of its own: only the VAE and what its config says are another.
// A file without an encoder, as a tiny one is taken here, leaves the model its own.

import { BASES } from '../checkpoints/families';
import { readHeader } from '../checkpoints/safetensors';
import { vaeAlone, type VaeAlone } from '../checkpoints/vaeAlone';
import type { ModelFiles } from './modelFiles';
import { tinyVaeGraph, vaeEncoderGraph, vaeGraph } from './networkGraphs';

const TINY = 'AutoencoderTiny';

/** @throws EngineError `model-invalid`: what the file is instead, or what of it is damaged. */
export async function withVae(files: ModelFiles, file: File): Promise<ModelFiles> {
  const vae = vaeAlone(await readHeader(file));
  const block_out_channels = [...vae.config.block_out_channels];
  // A file of the model may have the same name.
  const path = `another VAE/${file.name}`;
  return {
    ...files,
    ...(vae.kind === 'tiny'
      ? { vaeDecoder: tinyVaeGraph(vae.sources, file.name), vaeConfig: { _class_name: TINY, block_out_channels } }
      : ofKl(files, vae, path, file.name)),
    paths: { ...files.paths, vaeDecoder: path },
    open: (asked, load) => (asked === path ? Promise.resolve(file) : files.open(asked, load)),
  };
}

function ofKl(files: ModelFiles, vae: Extract<VaeAlone, { kind: 'kl' }>, path: string, file: string) {
  const config = { block_out_channels: [...vae.config.block_out_channels], scaling_factor: scalingOf(files) };
  const encoder = vaeEncoderGraph(vae, file);
  return {
    vaeDecoder: vaeGraph(vae, file),
    vaeConfig: config,
    ...(encoder && { vaeEncoder: { graph: encoder, path, config } }),
  };
}

/** The scale of latents goes with the UNet: no VAE's file says it, and a tiny one of the model's own has another. */
function scalingOf({ vaeConfig, unetConfig }: ModelFiles): number {
  const own = vaeConfig._class_name === TINY ? undefined : vaeConfig.scaling_factor;
  return own ?? BASES[unetConfig.addition_embed_type === 'text_time' ? 'sdxl' : 'sd1'].scaling;
}
