// A model with the VAE of another file in place of its own: only the decoder and what its config says are another.

import type { GraphOptions } from '../checkpoints/networks/graphBuilder';
import { tinyVaeDecoder } from '../checkpoints/networks/tinyVae';
import { vaeDecoder } from '../checkpoints/networks/vae';
import { weightsIn } from '../checkpoints/networks/weightsIn';
import { readHeader } from '../checkpoints/safetensors';
import { vaeAlone } from '../checkpoints/vaeAlone';
import { FLOAT, FLOAT16 } from '../onnx/file/model';
import type { ModelFiles } from './modelFiles';

/** Of the families, where the model's own VAE does not say it: that one has another. */
const SCALING = { sd: 0.18215, sdxl: 0.13025 };
const TINY = 'AutoencoderTiny';

/** @throws EngineError `model-invalid`: what the file is instead, or what of it is damaged. */
export async function withVae(files: ModelFiles, file: File): Promise<ModelFiles> {
  const { kind, sources, config } = vaeAlone(await readHeader(file));
  const weight = weightsIn(sources, file.name);
  // A file of the model may have the same name.
  const path = `another VAE/${file.name}`;
  return {
    ...files,
    vaeDecoder: ({ f16 }) => {
      const options: GraphOptions = { weight, type: f16 ? FLOAT16 : FLOAT, splitsGelu: false };
      return kind === 'tiny' ? tinyVaeDecoder({}, options) : vaeDecoder(config, options);
    },
    vaeConfig:
      kind === 'tiny'
        ? { _class_name: TINY, block_out_channels: [...config.block_out_channels] }
        : { block_out_channels: [...config.block_out_channels], scaling_factor: scalingOf(files) },
    paths: { ...files.paths, vaeDecoder: path },
    open: (asked, load) => (asked === path ? Promise.resolve(file) : files.open(asked, load)),
  };
}

/** The scale of latents goes with the UNet: no VAE's file says it. */
function scalingOf({ vaeConfig, unetConfig }: ModelFiles): number {
  const own = vaeConfig._class_name === TINY ? undefined : vaeConfig.scaling_factor;
  return own ?? SCALING[unetConfig.addition_embed_type === 'text_time' ? 'sdxl' : 'sd'];
}
