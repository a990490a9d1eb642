// A model that is ready to run on a backend: tokenizer, text encoder, UNet and VAE decoder, with what their
// configs say. Nothing here knows which model it is.

import type { PredictionType } from '../diffusion/types';
import { EngineError } from '../protocol/errors';
import type { ModelInfo } from '../protocol/messages';
import { PromptTokenizer } from '../text/tokenizer';
import type { Backend } from './backend';
import type { ModelFiles } from './modelFiles';
import { TextEncoder } from './textEncoder';
import { Unet } from './unet';
import { VaeDecoder } from './vaeDecoder';

export interface DiffusionModel {
  readonly backend: Backend;
  readonly files: ModelFiles;
  readonly textEncoder: TextEncoder;
  readonly unet: Unet;
  readonly vaeDecoder: VaeDecoder;
  readonly info: ModelInfo;
}

/** @throws EngineError `model-invalid` or `session-build`. */
export async function openModel(backend: Backend, files: ModelFiles, id: string): Promise<DiffusionModel> {
  const tokenizer = new PromptTokenizer(files.tokenizer, files.tokenizerConfig);
  const unet = await Unet.open(backend, files.unet);
  const textEncoder = await TextEncoder.open(backend, files.textEncoder, tokenizer);
  const vaeDecoder = await VaeDecoder.open(backend, files.vaeDecoder, files.vaeConfig);
  const size = files.unetConfig.sample_size ?? 64;
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const info: ModelInfo = {
    id,
    sites: unet.sites.map(({ name, comfyName, block, heads }) => ({ name, comfyName, block, heads })),
    latentShape: [files.unetConfig.in_channels ?? 4, height, width],
    predictionType: predictionType(files.scheduler.prediction_type),
    bytes: files.unet.size + files.textEncoder.size + files.vaeDecoder.size,
  };
  return { backend, files, textEncoder, unet, vaeDecoder, info };
}

export async function closeModel(model: DiffusionModel): Promise<void> {
  await model.textEncoder.dispose();
  await model.unet.dispose();
  await model.vaeDecoder.dispose();
}

function predictionType(name = 'epsilon'): PredictionType {
  if (name === 'epsilon' || name === 'v_prediction') return name;
  throw new EngineError('model-invalid', `This model predicts “${name}”, which Pagoda cannot sample yet. Choose another model.`);
}
