// A model that is ready to run on a backend: text encoders, UNet and VAE decoder, with what their configs and
// graphs say. Nothing here knows which model it is.

import type { PredictionType } from '../diffusion/types';
import type { Refusal } from '../onnx/sites/matchAttention';
import type { Needs } from '../models/preflight';
import type { SiteCost } from '../onnx/sites/cost';
import { EngineError } from '../protocol/errors';
import type { ModelInfo } from '../protocol/loaded';
import type { RunExtent } from '../protocol/requests';
import type { Emphasis } from '../prompt/pieces';
import type { Settings } from '../settings/fields';
import { pictureSize, type PictureSizes } from '../settings/pictureSize';
import type { Backend } from './backend';
import { NEVER, checkpoint } from './checkpoint';
import { makeConditioning, type Conditioning } from './conditioning';
import { integerNotices, refuseMeasuredScales } from './integerOperators';
import { latentShape, pictureSizes, pixelsPerLatent, type LatentShape } from './latentShape';
import { keepsTextEncoders, machineMemoryGiB } from './memory';
import type { LoraStack } from './loraStack';
import type { GraphFile, ModelFiles } from './modelFiles';
import { modelNeeds, rowsOfRun } from './modelNeeds';
import { OnnxFile, pictureOutput } from './onnxFile';
import { Previews } from './previews';
import { PromptEncoder } from './promptEncoder';
import { StartCanvases } from './startCanvas';
import { PromptTextEncoder } from './textEncoder';
import { Unet } from './unet';
import type { OpenedEmbedding } from './withEmbeddings';
import { VaeDecoder, decoderDims, latentsInput } from './vaeDecoder';
import { VaeEncoder } from './vaeEncoder';

/** A run, with the tokens of its contexts; those of one chunk where they are not said. */
export type RunTexts = RunExtent & { readonly contextTokens?: number };

export interface DiffusionModel {
  readonly backend: Backend;
  readonly files: ModelFiles;
  readonly prompts: PromptEncoder;
  readonly unet: Unet;
  readonly vaeDecoder: VaeDecoder;
  /** null where the model has none. */
  readonly vaeEncoder: VaeEncoder | null;
  readonly canvases: StartCanvases;
  readonly previews: Previews;
  readonly info: ModelInfo;
  /** Those in its weights; null before the first. */
  readonly loras: LoraStack | null;
  /** Those that prompts may name. */
  readonly embeddings: readonly OpenedEmbedding[];
  /** What a run asks of the device that makes so many images at once; one where it is not said. */
  readonly needs: (run: RunTexts, images?: number) => Needs;
  /** What each site costs in it, in order. */
  readonly costs: (run: RunExtent) => SiteCost[];
}

export interface RunConditions {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly guidanceScale: number;
  readonly clipSkip: number;
  readonly width: number;
  readonly height: number;
  readonly emphasis: Emphasis;
}

export interface OpenOptions {
  /** What a run will be made of: how many rows it has at once follows from it, and the size of its pictures. */
  readonly run: RunExtent;
  /**
   * Told what runs of the model need, when all its graphs are read and nothing is built yet; throws where the device
   * cannot hold one.
   */
  readonly weigh: (needs: DiffusionModel['needs']) => void;
  /** Told later what people should know too, as a sentence. */
  readonly notice: (sentence: string) => void;
  readonly signal?: AbortSignal;
}

const WRONG_REPLAY =
  'This GPU replays recorded commands wrongly (ONNX Runtime’s graph capture): ' +
  'each step sends them anew, which is slower.';

const TOO_SHORT =
  'There was too little memory to decode the picture whole, so the VAE decodes it in tiles: the same, but slower.';

/** @throws EngineError `model-invalid`, `model-missing` or `session-build`, what `weigh` throws, or AbortError. */
export async function openModel(
  backend: Backend,
  files: ModelFiles,
  id: string,
  { run, weigh, notice, signal = NEVER }: OpenOptions,
): Promise<DiffusionModel> {
  const { unetConfig, vaeConfig, paths } = files;
  const openFor = async (device: ReturnType<typeof traits>, graph: GraphFile, path: string) => {
    const options = { device, openFile: files.open };
    return graph instanceof Blob ? OnnxFile.open(graph, path, options) : OnnxFile.built(graph(device), path, options);
  };
  const open = async (graph: GraphFile, path: string) => {
    await checkpoint(signal);
    return openFor(backend, graph, path);
  };
  const unetFile = await open(files.unet, paths.unet ?? 'unet/model.onnx');
  const onWrongReplay = () => notice(WRONG_REPLAY);
  const unet = new Unet(backend, unetFile, unetConfig, onWrongReplay);
  refuseMeasuredScales(unet.file);
  const textFiles = await openTextGraphs(open, files);
  const vaeFile = await open(files.vaeDecoder, paths.vaeDecoder ?? 'vae_decoder/model.onnx');
  const guidanceEmbedded = unet.inputs.timestepCond !== null;
  const latentsIn = latentsInput(vaeFile);
  const own = latentShape(unet.inputs.sample, latentsIn, unetConfig);
  const pixels = pixelsPerLatent(vaeConfig);
  const sizes = pictureSizes(
    own,
    {
      model: unet.file.graph.model,
      output: unet.output,
      dimsAt: (latents) => unet.inputDims(latents, unet.fixedBatch ?? 1),
    },
    {
      model: vaeFile.graph.model,
      output: pictureOutput(vaeFile),
      dimsAt: (latents) => decoderDims(latentsIn, latents),
    },
    pixels,
  );
  const latentsOf = (extent: RunExtent) => latentsAt(extent, sizes, own[0], pixels);
  const needs = ({ contextTokens, ...extent }: RunTexts, images = 1) => {
    const latents = latentsOf(extent);
    return modelNeeds(
      {
        unet: unet.file,
        texts: textFiles,
        vae: vaeFile,
        unetDims: (many) => unet.inputDims(latents, unet.fixedBatch ?? many, contextTokens),
        vaeDims: decoderDims(latentsIn, latents),
      },
      images * rowsOfRun(extent, guidanceEmbedded),
    );
  };
  const first = needs(run);
  weigh(needs);
  const prompts = promptEncoder(
    backend,
    files,
    textFiles,
    unet,
    keepsTextEncoders(first.weightBytes, machineMemoryGiB()),
  );
  await checkpoint(signal);
  // In batches of a fixed size rows share nothing.
  const costs = (extent: RunExtent) =>
    unet.costs(latentsOf(extent)).map((cost) => (unet.fixedBatch === null ? cost : { ...cost, share: 1 }));
  const firstCosts = costs(run);
  const info: ModelInfo = {
    id,
    sites: unet.sites.map(({ name, comfyName, block, heads }, index) => ({
      name,
      comfyName,
      block,
      heads,
      tokens: null,
      share: null,
      ...firstCosts[index],
    })),
    levels: unetConfig.block_out_channels?.length ?? 1,
    latentShape: own,
    sizes,
    predictionType: predictionType(files.scheduler.prediction_type),
    scheduler: files.scheduler,
    bytes: [unetFile, ...textFiles, vaeFile].reduce((sum, graph) => sum + graph.bytes, 0),
    guidanceEmbedded,
    encodes: files.vaeEncoder !== null,
    mostClipSkip: prompts.mostClipSkip,
    sdxl: unet.inputs.textEmbeds !== null,
    readsPenultimate: unet.inputs.textEmbeds !== null || unetConfig.cross_attention_dim === SD2_CONTEXT,
    ...(files.loraTargets && { loras: {} }),
    ...(prompts.vectorWidths && { embeddings: [] }),
    notices: [
      ...(unet.fixedBatch !== null
        ? [
            `Its UNet was exported for ${unet.fixedBatch} ${unet.fixedBatch === 1 ? 'row' : 'rows'} at a time: ` +
              'the predictions of a step run one after the other and share nothing, which is slower.',
          ]
        : []),
      ...(unet.sites.length === 0 ? [withoutSites(unet.refused)] : someHeadDims(unet.refused)),
      ...integerNotices([unetFile, ...textFiles, vaeFile], backend),
      ...(unet.besideChannels > 0
        ? [
            'This model was made for inpainting: it sees what lies around a mask on the start image. ' +
              'Without a mask it makes the whole picture.',
          ]
        : []),
      ...(guidanceEmbedded
        ? [
            'This model was trained to guide itself: the CFG scale is an input of its UNet, ' +
              'and the negative prompt has no effect.',
          ]
        : []),
    ],
  };
  // Last: what is built is not lost to what may still fail.
  const wider = {
    open: vaeFile.half ? () => openFor({ ...traits(backend), f16: false }, files.vaeDecoder, vaeFile.name) : null,
    onWidened: () => notice('This model’s VAE overflows in half precision, so Pagoda runs it in full precision.'),
  };
  const vaeDecoder = await VaeDecoder.open(backend, vaeFile, vaeConfig, wider, {
    onWrongReplay,
    onTooShort: () => notice(TOO_SHORT),
  });
  const previews = new Previews(backend, vaeDecoder, vaeConfig, own);
  const { vaeEncoder: encoder } = files;
  const vaeEncoder =
    encoder &&
    new VaeEncoder(
      backend,
      async (wide) =>
        openFor(
          { ...traits(backend), ...(wide && { f16: false }) },
          encoder.graph ?? (await files.open(encoder.path)),
          encoder.path,
        ),
      encoder.config,
    );
  return {
    backend,
    files,
    prompts,
    unet,
    vaeDecoder,
    vaeEncoder,
    canvases: new StartCanvases(),
    previews,
    info,
    loras: null,
    embeddings: [],
    needs,
    costs,
  };
}

/**
 * What the UNet reads beside latents and timestep, for rows of these contexts. The caller disposes of it.
 * Throws AbortError too.
 */
export async function conditionRows(
  model: DiffusionModel,
  run: RunConditions,
  contexts: readonly ('uncond' | 'cond')[],
  signal: AbortSignal,
): Promise<Conditioning> {
  const { backend, files, prompts, unet, info } = model;
  const { prompt: positive, negativePrompt: negative, clipSkip, emphasis } = run;
  const embeds = await prompts.encode({ positive, negative, clipSkip, emphasis }, signal);
  const { width, height } = pictureSize(run, info.sizes);
  return makeConditioning(backend, unet.inputs, {
    embeds: contexts.map((context) => embeds[context]),
    size: [height, width],
    guidanceScale: run.guidanceScale,
    guidanceWidth: guidanceWidth(unet, files),
  });
}

/** Of one image in a run with these settings. */
export function latentsOfRun({ info, files }: DiffusionModel, run: Pick<Settings, 'width' | 'height'>): LatentShape {
  return latentsAt(run, info.sizes, info.latentShape[0], pixelsPerLatent(files.vaeConfig));
}

function latentsAt(
  run: Pick<Settings, 'width' | 'height'>,
  sizes: PictureSizes,
  channels: number,
  pixels: number,
): LatentShape {
  const { width, height } = pictureSize(run, sizes);
  return [channels, height / pixels, width / pixels];
}

export async function closeModel(model: DiffusionModel): Promise<void> {
  await model.prompts.dispose();
  await model.unet.dispose();
  await model.vaeDecoder.dispose();
}

async function openTextGraphs(
  open: (graph: GraphFile, path: string) => Promise<OnnxFile>,
  files: ModelFiles,
): Promise<OnnxFile[]> {
  const first = await open(files.textEncoder, files.paths.textEncoder ?? 'text_encoder/model.onnx');
  if (!files.second) return [first.withTokensOutside()];
  const second = await open(files.second.graph, files.paths.textEncoder2 ?? 'text_encoder_2/model.onnx');
  return [first.withTokensOutside(), second.withTokensOutside()];
}

/** SDXL's UNet, told by its pooled input, reads the penultimate hidden states of all encoders. */
function promptEncoder(
  backend: Backend,
  files: ModelFiles,
  graphs: readonly OnnxFile[],
  unet: Unet,
  keep: boolean,
): PromptEncoder {
  return new PromptEncoder(
    graphs.map((graph, at) => textEncoder(backend, files, graph, at, unet)),
    {
      keep,
      zerosForNoNegative: files.modelIndex.force_zeros_for_empty_prompt === true,
      contextTokens: unet.fixedContext,
    },
  );
}

/** The first or the second. */
export function textEncoder(
  backend: Backend,
  { tokenizer, tokenizerConfig, textEncoderConfig: config, second }: ModelFiles,
  graph: OnnxFile,
  at: number,
  unet: Unet,
): PromptTextEncoder {
  const texts = [{ tokenizer, tokenizerConfig, config }, ...(second ? [second] : [])];
  const pooled = unet.inputs.textEmbeds !== null;
  return new PromptTextEncoder(backend, graph, texts[at]!, {
    hidden: pooled ? 'penultimate' : 'last',
    pooled: pooled && at === texts.length - 1,
  });
}

/** Width of OpenCLIP-H; its folders lack the layer that is not read. */
const SD2_CONTEXT = 1024;

function guidanceWidth(unet: Unet, { unetConfig }: ModelFiles): number {
  const inGraph = unet.inputs.timestepCond?.dims?.[1];
  return typeof inGraph === 'number' ? inGraph : (unetConfig.time_cond_proj_dim ?? 256);
}

function traits({ fusesAttention, f16, splitsGelu }: Backend) {
  return { fusesAttention, f16, splitsGelu };
}

function predictionType(name = 'epsilon'): PredictionType {
  if (name === 'epsilon' || name === 'v_prediction' || name === 'sample') return name;
  throw new EngineError(
    'model-invalid',
    `This model predicts “${name}”, which Pagoda cannot sample yet. Choose another model.`,
  );
}

const REFUSALS: Readonly<Record<Refusal, string>> = {
  sliced: 'its attention is sliced; export it without attention slicing',
  masked: 'its attention has a mask',
  cached: 'its attention keeps keys and values of earlier calls',
  headDim:
    'with WebGPU, Pagoda perturbs only attention whose heads have a multiple of 4 channels, at most 256; ' +
    'choose the CPU',
  layout: 'its attention is laid out in a way that Pagoda does not know',
};

function someHeadDims(refused: ReadonlyMap<Refusal, number>): string[] {
  const count = refused.get('headDim') ?? 0;
  return count > 0
    ? [`${count} of this model’s self-attentions are left out of the layers: ${REFUSALS.headDim} to perturb all.`]
    : [];
}

/** What people should know of a UNet in which no self-attention can be perturbed. */
export function withoutSites(refused: ReadonlyMap<Refusal, number>): string {
  const [most] = [...refused].sort(([, a], [, b]) => b - a);
  const why = most ? REFUSALS[most[0]] : 'no self-attention was found in its graph';
  return `PAG is not possible with this model: ${why}. With a PAG scale of 0 it makes images.`;
}
