// A checkpoint as the files of a model: graphs that are built of its structure, whose weights are byte ranges of the
// file itself. What a folder says in configs is the family's here, and the tokenizer comes with the page.

import { identify } from '../checkpoints/identify';
import { loraTargets } from '../checkpoints/lora/loraTargets';
import { readPrediction } from '../checkpoints/prediction';
import { readHeader } from '../checkpoints/safetensors';
import { modelIndexOf, schedulerOf, unetConfigOf, wholeModel } from '../checkpoints/wholeModel';
import type { FileModelRef } from '../protocol/modelRefs';
import { clipTokenizer } from '../text/clipVocabulary';
import { fetchFrom, type ModelFiles, type OpenFile, type TextFiles, type Watched } from './modelFiles';
import { textConfigOf, textGraph, unetGraph, vaeConfigOf, vaeEncoderGraph, vaeGraph } from './networkGraphs';

/**
 * @param openClip opens `merges.txt`; from the page if not given.
 * @throws EngineError `model-invalid`: what the file is instead, what it lacks or what of it is damaged; or
 * `model-missing` where the merges do not come.
 */
export async function checkpointFiles(
  { file, clipUrl }: Pick<FileModelRef, 'file' | 'clipUrl'>,
  load?: Watched,
  openClip: OpenFile = fetchFrom(clipUrl),
): Promise<ModelFiles> {
  const header = await readHeader(file);
  const model = wholeModel(identify(header));
  const prediction = await readPrediction(header, model, file);
  const merges = await (await openClip('merges.txt', load)).text();
  const texts = model.textEncoders.map(
    (part): TextFiles => ({
      graph: textGraph(part, file.name),
      ...clipTokenizer(merges, part.padTokenId),
      config: textConfigOf(part),
    }),
  );
  const [first, second = null] = texts as [TextFiles, TextFiles?];
  const vaeConfig = vaeConfigOf(model.vae);
  const encoder = vaeEncoderGraph(model.vae, file.name);
  return {
    scheduler: schedulerOf(model, prediction),
    tokenizer: first.tokenizer,
    tokenizerConfig: first.tokenizerConfig,
    textEncoder: first.graph,
    textEncoderConfig: first.config,
    second,
    unet: unetGraph(model.unet, file.name),
    unetConfig: unetConfigOf(model, prediction, header),
    vaeDecoder: vaeGraph(model.vae, file.name),
    vaeEncoder: encoder && { graph: encoder, path: file.name, config: vaeConfig },
    vaeConfig,
    modelIndex: modelIndexOf(model),
    paths: { unet: file.name, textEncoder: file.name, textEncoder2: file.name, vaeDecoder: file.name },
    open: () => Promise.resolve(file),
    loraTargets: () =>
      loraTargets({ unet: model.unet.sources, texts: model.textEncoders.map(({ sources }) => sources) }),
  };
}
