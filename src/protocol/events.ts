// The wall between page and worker: events go worker → page, as plain records.

import type { Emphasis } from '../prompt/pieces';
import type { EngineErrorData } from './errors';
import type { DeviceInfo, ModelInfo, SiteInfo } from './loaded';
import type { Pair, Pixels, Size } from './pictureData';
import type { LeftImage, StepTrace } from './runSteps';

export type EngineEvent =
  | DeviceEvent
  | LoadingEvent
  | VerdictEvent
  | ModelReadyEvent
  | CostsEvent
  | RunProgressEvent
  | PreviewEvent
  | TraceEvent
  | ImageEvent
  | DoneEvent
  | CancelledEvent
  | FitEvent
  | WaitingEvent
  | EngineErrorEvent;

/** Between the two ends of the wire alone. */
export type WireEvent = AliveEvent | BusyEvent | LoadEndedEvent | PongEvent | DecodedEvent;

export interface DeviceEvent {
  readonly type: 'device';
  readonly device: DeviceInfo;
}

export interface LoadingEvent {
  readonly type: 'loading';
  /** What is under way, for people: "Loading the model", "Preparing the model". */
  readonly what: string;
  /** Over everything that is to be loaded, ONNX Runtime and the model; the sum only grows. */
  readonly loadedBytes: number;
  /** null where it is not known of some file. */
  readonly totalBytes: number | null;
  /** null until a second has been watched. */
  readonly secondsLeft: number | null;
}

/**
 * Whether the device can hold a model, from its graphs;
 * comes before anything of it is built, and again where other settings ask for more or less.
 */
export interface VerdictEvent {
  readonly type: 'verdict';
  /** The `id` of its ModelRef. */
  readonly modelId: string;
  readonly level: 'fits' | 'doubtful' | 'no';
  /** The figures behind it: "2.6 GB of weights, the largest buffer 268 MB, f16". */
  readonly figures: string;
  /** Sentences, the gravest first; what fits may have some too, of what it costs. */
  readonly reasons: readonly string[];
  /** A smaller picture would be held better. */
  readonly ofSize: boolean;
}

export interface ModelReadyEvent {
  readonly type: 'model-ready';
  readonly model: ModelInfo;
}

/** What each site of a model costs at another size than was told with it, in order. */
export interface CostsEvent {
  readonly type: 'costs';
  readonly modelId: string;
  readonly costs: readonly Pick<SiteInfo, 'tokens' | 'share'>[];
}

export interface RunProgressEvent {
  readonly type: 'progress';
  readonly runId: string;
  /** `prepare`: sessions and text; `denoise`: steps; `decode`: VAE. */
  readonly phase: 'prepare' | 'denoise' | 'decode';
  /** Steps finished, 0 … steps. */
  readonly step: number;
  readonly steps: number;
  /** null until a step has been timed. */
  readonly secondsLeft: number | null;
  /** Which of several images are being made, counted from 0; absent where all of them at once. */
  readonly images?: ImagesMade;
}

export interface ImagesMade {
  readonly from: number;
  readonly count: number;
  readonly of: number;
}

/** The denoised estimate of each image, decoded or with a pixel a latent. */
export interface PreviewEvent {
  readonly type: 'preview';
  readonly runId: string;
  readonly step: number;
  readonly pair: Pair;
  /** Of those that are made with it; absent: none. */
  readonly further?: readonly Pair[];
  /** Which of the run's images `pair` is; absent: the first. */
  readonly image?: number;
  /** Of the pair that is to come. */
  readonly size: Size;
}

/** Of each step of a run of one image, in order. */
export interface TraceEvent {
  readonly type: 'trace';
  readonly runId: string;
  readonly trace: StepTrace;
}

export interface LongText {
  /** Of the longest. */
  readonly chunks: number;
  /** The end of one was not read. */
  readonly isCut: boolean;
}

export interface RunStats {
  readonly seconds: number;
  /** UNet rows run in all: the honest cost of the run. */
  readonly unetRows: number;
  /** Rows in a step, before and after the fork; the most of any step. */
  readonly rowsBeforeFork: number;
  readonly rowsAfterFork: number;
  /** diffusers' names of the perturbed sites. */
  readonly perturbedSites: readonly string[];
  /** The image without PAG is an earlier run's: no row was run for it. */
  readonly keptWithoutPag: boolean;
  /** The first steps are an earlier run's, so many; absent: none. */
  readonly keptSteps?: number;
  /** Of the prompts that were read; absent where each is one chunk of tokens, and read whole. */
  readonly text?: LongText;
  /** Of a step in the mean, previews included; absent where none ran. */
  readonly stepMilliseconds?: number;
  /** In which each picture was decoded; absent: whole. */
  readonly tiles?: number;
}

/** One of several images is finished, whatever becomes of the others. */
export interface ImageEvent {
  readonly type: 'image';
  readonly runId: string;
  /** Which of the run's, from 0. */
  readonly image: number;
  readonly pair: Pair;
  /** Of the run as far as it has come. */
  readonly stats: RunStats;
}

export interface DoneEvent {
  readonly type: 'done';
  readonly runId: string;
  /** Absent: of several images, which have come each by itself. */
  readonly pair?: Pair;
  /** Where it is small, of a run of one image. */
  readonly left?: readonly LeftImage[];
  readonly stats: RunStats;
}

export interface CancelledEvent {
  readonly type: 'cancelled';
  readonly runId: string;
}

/** Where text encoders stop reading a text. Of several encoders it is the one that reads least. */
export interface TextFit {
  readonly text: string;
  /** Of the whole text, without those that stand around every text. */
  readonly tokens: number;
  /** The most that are read at once, and how often: chunks. */
  readonly limit: number;
  readonly chunks: number;
  /** UTF-16 units of `text` that are read; its length where all is. */
  readonly kept: number;
}

export interface FitEvent {
  readonly type: 'fit';
  /** How they are read. */
  readonly emphasis: Emphasis;
  readonly prompt: TextFit;
  readonly negativePrompt: TextFit;
}

/** Where something takes long: each second, and null when it has come. */
export interface WaitingEvent {
  readonly type: 'waiting';
  readonly waiting: Waiting | null;
}

export interface Waiting {
  /** In a few words: the name of a graph, "a result of the GPU". */
  readonly what: string;
  readonly seconds: number;
  readonly gpu: GpuState;
}

/**
 * What a GPU says when it is asked something small: nothing; that it has heard, while its queue is not through; that
 * its queue is. `null`: it has not been asked, or not for long.
 */
export type GpuState = 'silent' | 'computing' | 'idle' | null;

/** An error that belongs to a run (`runId`) or to loading (null). The engine stays usable. */
export interface EngineErrorEvent {
  readonly type: 'error';
  readonly runId: string | null;
  readonly error: EngineErrorData;
}

/** The worker's first: its script runs. */
export interface AliveEvent {
  readonly type: 'alive';
  /** It holds the lock of its own name, and will until it dies. */
  readonly locked: boolean;
}

/** A load is over, whether it came to its end, failed, or was overtaken. */
export interface LoadEndedEvent {
  readonly type: 'load-ended';
  readonly loadId: number;
}

/** While it is so, the thread may be held for long by what is as it should be: ONNX Runtime, and kernels on the CPU. */
export interface BusyEvent {
  readonly type: 'busy';
  readonly busy: boolean;
}

export interface DecodedEvent {
  readonly type: 'decoded';
  readonly decodeId: number;
  /** Why there is no picture; null where it was no longer wanted. */
  readonly picture: Pixels | EngineErrorData | null;
}

export interface PongEvent {
  readonly type: 'pong';
  readonly ping: number;
}
