// What the visitor added to a model, as Python that adds it to the pipeline: LoRA, embeddings, a UNet or a VAE of a
// file beside the script.

import { splitAtNames } from '../models/embeddingWords';
import { pythonCall, pythonString } from './pythonText';
import type { Recipe } from './recipe';

export function loraCalls({ loras = [] }: Recipe): readonly string[] {
  if (loras.length === 0) return [];
  const load = loras.map(
    ({ name }, at) =>
      `pipe.load_lora_weights(".", weight_name=${pythonString(`${name}.safetensors`)}, adapter_name="lora${at}")`,
  );
  const names = loras.map((_, at) => `"lora${at}"`).join(', ');
  const weights = loras.map(({ weight }) => weight).join(', ');
  return [...load, `pipe.set_adapters([${names}], [${weights}])`];
}

/** Files of SDXL have vectors for each of the pipeline's text encoders. */
export function embeddingCalls({ embeddings = [] }: Recipe): readonly string[] {
  if (embeddings.length === 0) return [];
  return [
    `for name in [${embeddings.map(pythonString).join(', ')}]:`,
    '    vectors = load_file(f"{name}.safetensors")',
    '    if "clip_g" in vectors:',
    '        pipe.load_textual_inversion(',
    '            vectors["clip_l"], token=name, text_encoder=pipe.text_encoder, tokenizer=pipe.tokenizer',
    '        )',
    '        pipe.load_textual_inversion(',
    '            vectors["clip_g"], token=name, text_encoder=pipe.text_encoder_2, tokenizer=pipe.tokenizer_2',
    '        )',
    '    else:',
    '        pipe.load_textual_inversion(f"{name}.safetensors", token=name)',
  ];
}

/** diffusers knows a token only as it was loaded. */
export function withTokens(prompt: string, names: readonly string[]): string {
  return splitAtNames(prompt, names)
    .map((part) => (typeof part === 'string' ? part : part.name))
    .join('');
}

/** Its structure is that of the model's own, but for the input of one that guides itself. */
export function withUnet(unet: string, embedded: boolean): readonly string[] {
  const call = [
    pythonString(`${unet}.safetensors`),
    'config="unet_config"',
    ...(embedded ? ['time_cond_proj_dim=256'] : []),
  ];
  return [
    'pipe.unet.save_config("unet_config")',
    pythonCall('pipe.unet = UNet2DConditionModel.from_single_file', call),
  ];
}

/** The scale of latents goes with the UNet, which the file of a VAE does not say. */
export function withVae(vae: string): readonly string[] {
  return [
    `vae = AutoencoderKL.from_single_file(${pythonString(`${vae}.safetensors`)})`,
    'vae.register_to_config(scaling_factor=pipe.vae.config.scaling_factor)',
    'pipe.vae = vae',
  ];
}

/**
 * There is no `from_single_file` of it. Pictures need its decoder alone; a start image goes through the encoder of the
 * model's own VAE, which stays where there is one. The pipeline is on its device.
 */
export function withTinyVae(vae: string, hasStart: boolean): readonly string[] {
  const load = [
    'vae = AutoencoderTiny()',
    `vae.load_state_dict(load_file(${pythonString(`${vae}.safetensors`)}), strict=False)`,
  ];
  if (!hasStart) return [...load, 'pipe.vae = vae'];
  return [
    ...load,
    'scale = pipe.vae.config.scaling_factor',
    'vae.to(pipe.device)',
    'pipe.vae.decode = lambda latents, **_: vae.decode(latents * scale, return_dict=False)',
  ];
}
