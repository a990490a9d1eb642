// A model with the UNet of another file in place of its own: its text encoders, VAE and tokenizer stay, and its
// scheduler where the UNet is of the same kind.

import { identify } from '../checkpoints/identify';
import { loraTargets, type LoraTargets } from '../checkpoints/lora/loraTargets';
import { readPrediction } from '../checkpoints/prediction';
import { readHeader } from '../checkpoints/safetensors';
import type { Sources } from '../checkpoints/tensorSources';
import { schedulerWith, unetAlone } from '../checkpoints/unetAlone';
import { unetConfigOf } from '../checkpoints/wholeModel';
import { openStored } from '../library/opfs';
import { readsSameText } from '../models/unetFit';
import { EngineError } from '../protocol/errors';
import type { StoredUnet } from '../protocol/modelRefs';
import type { ModelFiles } from './modelFiles';
import { unetGraph } from './networkGraphs';

/** @throws EngineError `model-invalid`: what the file is instead, what of it is damaged, or that it does not fit. */
export async function withUnet(files: ModelFiles, file: File): Promise<ModelFiles> {
  const header = await readHeader(file);
  const model = unetAlone(identify(header));
  if (!model)
    throw new EngineError('model-invalid', 'This file holds more than a UNet, or none. Open it as a checkpoint.');
  const prediction = await readPrediction(header, model, file);
  const unetConfig = unetConfigOf(model, prediction, header);
  if (!readsSameText(unetConfig, files.unetConfig))
    throw new EngineError(
      'model-invalid',
      `This UNet (${model.name}) does not fit the text encoders of the model that it was opened with. ` +
        'Use it with a model of its own family.',
      `${JSON.stringify(unetConfig)} and ${JSON.stringify(files.unetConfig)}`,
    );
  const distilled = files.unetConfig.time_cond_proj_dim !== undefined;
  // A file of the model may have the same name.
  const path = `another UNet/${file.name}`;
  return {
    ...files,
    unet: unetGraph(model.unet, file.name),
    unetConfig,
    scheduler: schedulerWith({ scheduler: files.scheduler, distilled }, model, prediction),
    loraTargets: () => targetsOf(model.unet.sources, files.loraTargets),
    paths: { ...files.paths, unet: path },
    open: (asked, load) => (asked === path ? Promise.resolve(file) : files.open(asked, load)),
  };
}

/** @throws EngineError `model-missing`. */
export async function storedUnet({ dir }: StoredUnet): Promise<File> {
  const { roles, open } = await openStored(dir);
  return open(roles.unetAlone ?? '');
}

/** Text encoders in ONNX files take no LoRA; the UNet does. */
function targetsOf(unet: Sources, base: ModelFiles['loraTargets']): LoraTargets {
  const ofTexts = [...(base?.() ?? [])].filter(([, { network }]) => network !== 'unet');
  return new Map([...loraTargets({ unet, texts: [] }), ...ofTexts]);
}
