// A checkpoint as the files of a model: graphs that are built of its structure, whose weights are byte ranges of the
// file itself. What a folder says in configs is the family's here, and the tokenizer comes with the page.

import { identify } from '../checkpoints/identify';
import type { Sources } from '../checkpoints/tensorSources';
import { loraTargets } from '../checkpoints/lora/loraTargets';
import { clipText } from '../checkpoints/networks/clipText';
import type { GraphOptions } from '../checkpoints/networks/graphBuilder';
import { unet } from '../checkpoints/networks/unetGraph';
import { vaeDecoder } from '../checkpoints/networks/vae';
import { weightsIn } from '../checkpoints/networks/weightsIn';
import { readPrediction } from '../checkpoints/prediction';
import { readHeader } from '../checkpoints/safetensors';
import type { TextEncoderPart } from '../checkpoints/textEncoders';
import { modelIndexOf, schedulerOf, unetConfigOf, wholeModel } from '../checkpoints/wholeModel';
import { FLOAT, FLOAT16, type Model } from '../onnx/file/model';
import type { FileModelRef } from '../protocol/messages';
import { clipTokenizer } from '../text/clipVocabulary';
import { fetchFrom, type BuildGraph, type ModelFiles, type OpenFile, type TextFiles, type Watched } from './modelFiles';

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
  const built = (sources: Sources, build: (options: GraphOptions) => Model): BuildGraph => {
    const weight = weightsIn(sources, file.name);
    return ({ f16, splitsGelu }, weights = (model) => model) =>
      build({ weight: weights(weight), type: f16 ? FLOAT16 : FLOAT, splitsGelu });
  };
  const texts = model.textEncoders.map(({ config, sources, padTokenId }: TextEncoderPart): TextFiles => {
    const projects = config.projection_dim !== null;
    return {
      graph: built(sources, (options) => clipText(config, { ...options, projects })),
      ...clipTokenizer(merges, padTokenId),
      config: {
        vocab_size: config.vocab_size,
        hidden_size: config.hidden_size,
        num_hidden_layers: config.num_hidden_layers,
        max_position_embeddings: config.max_position_embeddings,
      },
    };
  });
  const [first, second = null] = texts as [TextFiles, TextFiles?];
  const { config: vae } = model.vae;
  return {
    scheduler: schedulerOf(model, prediction),
    tokenizer: first.tokenizer,
    tokenizerConfig: first.tokenizerConfig,
    textEncoder: first.graph,
    textEncoderConfig: first.config,
    second,
    unet: built(model.unet.sources, (options) => unet(model.unet.config, options)),
    unetConfig: unetConfigOf(model, prediction, header),
    vaeDecoder: built(model.vae.sources, (options) => vaeDecoder(vae, options)),
    vaeConfig: {
      block_out_channels: [...vae.block_out_channels],
      ...(vae.scaling_factor !== null && { scaling_factor: vae.scaling_factor }),
      ...(vae.shift_factor !== null && { shift_factor: vae.shift_factor }),
    },
    modelIndex: modelIndexOf(model),
    paths: { unet: file.name, textEncoder: file.name, textEncoder2: file.name, vaeDecoder: file.name },
    open: () => Promise.resolve(file),
    loraTargets: () =>
      loraTargets({ unet: model.unet.sources, texts: model.textEncoders.map(({ sources }) => sources) }),
  };
}
