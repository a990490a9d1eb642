// The wall between page and worker: everything that crosses it is one of these plain records.
// Requests go page → worker, events go worker → page. A run is named by the page (`runId`); while one is
// under way one more may wait, the newest, and a cancel takes effect between segments.

import type { Emphasis } from '../prompt/pieces';
import type { Settings } from '../settings/fields';
import type { PictureSizes } from '../settings/pictureSize';
import type { PredictionType, SchedulerConfig } from '../diffusion/types';
import type { EngineErrorData } from './errors';

/** Where a model's files are. `id` names what was chosen: another id is another model. */
export type ModelRef = (UrlModelRef | StoredModelRef | FolderModelRef | FileModelRef) & {
  /** A file with a VAE, which takes the place of the model's own. */
  readonly vae?: File;
  /** A file with a UNet, in the same way. */
  readonly unet?: File;
};

/** Served from a folder in the standard layout; `baseUrl` ends in `/`. */
export interface UrlModelRef {
  readonly kind: 'url';
  readonly id: string;
  readonly baseUrl: string;
  /** Bytes of the files that every run needs, by path, as far as they are known beforehand. */
  readonly bytes: Readonly<Record<string, number>>;
  /** Path of the VAE's encoder, which is fetched when a run begins from an image; null where it has none. */
  readonly encoder: string | null;
}

/** Fetched earlier into the origin's private file system; `dir` is its folder in the model store. */
export interface StoredModelRef {
  readonly kind: 'opfs';
  readonly id: string;
  readonly dir: string;
  /** As of a file on disk: the store may hold such a one. */
  readonly clipUrl: string;
}

/** A folder on the visitor's disk, used in place: files by path relative to it. */
export interface FolderModelRef {
  readonly kind: 'folder';
  readonly id: string;
  readonly files: ReadonlyMap<string, File>;
}

/** One `.safetensors` file on the visitor's disk that holds a whole model, used in place. */
export interface FileModelRef {
  readonly kind: 'file';
  readonly id: string;
  readonly file: File;
  /** The page's folder with CLIP's `merges.txt`, which no such file brings; ends in `/`. */
  readonly clipUrl: string;
}

/** A LoRA file on the visitor's disk, to be merged into the weights of a run's model. */
export interface LoraRef {
  /** Another id is another file. */
  readonly id: string;
  /** For people: the file's, without its ending. */
  readonly name: string;
  readonly file: File;
  /** 0 is as none. */
  readonly weight: number;
}

/** A textual inversion embedding on the visitor's disk, used by its name as a word of a prompt. */
export interface EmbeddingRef {
  /** Another id is another file. */
  readonly id: string;
  readonly name: string;
  readonly file: File;
}

export type EngineRequest = LoadRequest | GenerateRequest | CancelRequest | FitRequest | WeighRequest | PingRequest;

/** The picture that a run starts from. */
export interface StartImage extends Size {
  /** SHA-256 of the pixels, hexadecimal: another hash is another picture. */
  readonly hash: string;
  /** Top row first, RGB, a byte each. */
  readonly rgb: Blob;
  /** What of it is made anew; absent: all. */
  readonly mask?: MaskImage;
}

/** Of a start image's own size. */
export interface MaskImage {
  /** SHA-256, hexadecimal: another hash is another mask. */
  readonly hash: string;
  /** Top row first, a byte a pixel: 255 is made anew, 0 is kept. */
  readonly gray: Blob;
}

/** What the visitor has added to the model, and to the settings of a run. Absent: none. */
export interface AddedFiles {
  /** Of a run alone; a load has no use for it. */
  readonly start?: StartImage;
  readonly loras?: readonly LoraRef[];
  readonly embeddings?: readonly EmbeddingRef[];
}

/** Fetch a model and do what a run with these settings would do first, so that Generate starts at once. */
export interface LoadRequest extends AddedFiles {
  readonly type: 'load';
  readonly loadId: number;
  readonly model: ModelRef;
  readonly settings: Settings;
}

export interface GenerateRequest extends AddedFiles {
  readonly type: 'generate';
  readonly runId: string;
  /** Tell what each step came to; absent: no. */
  readonly traces?: boolean;
  /** Made though the very same picture is there from an earlier run; absent: it is given again. */
  readonly anew?: boolean;
  /** What an earlier visit has kept, of the same model on the same device; a part of this run may be there. */
  readonly left?: LeftRun;
  readonly model: ModelRef;
  readonly settings: Settings;
}

/** Cancels a running or waiting run; an unknown id is ignored. */
export interface CancelRequest {
  readonly type: 'cancel';
  readonly runId: string;
}

/**
 * How much of these texts the model that is loaded reads.
 * Answered out of turn, between segments; not at all where none is.
 */
export interface FitRequest {
  readonly type: 'fit';
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly emphasis: Emphasis;
}

/** What a run has at once: how many rows, and how large. */
export type RunExtent = Pick<Settings, 'compare' | 'guidanceScale' | 'pagScale' | 'width' | 'height'> &
  Partial<Pick<Settings, 'earlier'>>;

/**
 * What a run of the model that is loaded would ask of the device, and what its sites cost: `verdict` and `costs`.
 * Answered out of turn, between segments; not at all where none is.
 */
export interface WeighRequest {
  readonly type: 'weigh';
  readonly settings: RunExtent;
}

/** Answered as soon as the worker's thread is free. */
export interface PingRequest {
  readonly type: 'ping';
  readonly ping: number;
}

/** An answer that is known, and what the device gave. */
export interface DeviceCheck {
  /** "Conv in f16". */
  readonly what: string;
  readonly right: boolean;
  /** "error 0.0012, at most 0.05". */
  readonly figure: string;
}

/** What a report of a device says beyond `DeviceInfo`. */
export interface DeviceFacts {
  /** By name, as the browser tells them: vendor, architecture, … */
  readonly adapter: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, number>>;
  readonly features: readonly string[];
  /** In the order in which they were asked for; one that was wrong and is worked round among them. */
  readonly checks: readonly DeviceCheck[];
  /** Sentences: what is done in the place of what is wrong. */
  readonly workedRound: readonly string[];
  /** Of ONNX Runtime for the web: "jspi" or "asyncify". */
  readonly build: string;
}

export interface DeviceInfo {
  readonly backend: 'webgpu' | 'wasm';
  /** Adapter name for people ("NVIDIA RTX 3060", "SwiftShader"), or "CPU". */
  readonly adapter: string;
  readonly f16: boolean;
  /** WASM threads in use; 1 where the page is not cross-origin isolated. */
  readonly threads: number;
  /** The GPU device's own, in bytes; null on the CPU. */
  readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number } | null;
  /** Why WebGPU is not used, as a sentence; null where it is used or was not wanted. */
  readonly fallbackReason: string | null;
  /** Operators of ONNX Runtime that gave a wrong answer on this device and are done without, by ONNX's names. */
  readonly wrongOperators: readonly string[];
  readonly facts?: DeviceFacts;
}

export interface SiteInfo {
  /** diffusers' module name, e.g. `mid_block.attentions.0.transformer_blocks.0.attn1`. */
  readonly name: string;
  /** ComfyUI's name, e.g. `m0`, `d2.1`. */
  readonly comfyName: string;
  readonly block: 'down' | 'mid' | 'up';
  readonly heads: number;
  /** Tokens that attend to one another at the size that was asked for; null where the graph does not tell. */
  readonly tokens: number | null;
  /**
   * Part of a forward, 0 … 1, that a row perturbed from here on runs for itself; null where the graph does not tell.
   */
  readonly share: number | null;
}

export interface ModelInfo {
  readonly id: string;
  readonly sites: readonly SiteInfo[];
  /** Levels of the UNet, down and up, with those that have no self-attention. */
  readonly levels: number;
  /** [channels, height, width] of the latents at the model's own size. */
  readonly latentShape: readonly [number, number, number];
  readonly sizes: PictureSizes;
  readonly predictionType: PredictionType;
  /** As the model's file says it. */
  readonly scheduler: SchedulerConfig;
  readonly bytes: number;
  /** LCM: the CFG scale is an input of the UNet; there are no unconditional rows and no negative prompt. */
  readonly guidanceEmbedded: boolean;
  /** Whether a run may start from an image: the model has its VAE's encoder. */
  readonly encodes: boolean;
  /** The most that clip skip may be; 1 where the text encoder gives one layer alone. */
  readonly mostClipSkip: number;
  /** Its prompts are read one layer before the text encoder's last, as in SD 2.x and XL. */
  readonly readsPenultimate: boolean;
  /** SDXL or one pruned of it: the UNet reads the second text encoder's pooled text too. */
  readonly sdxl: boolean;
  /** What people should know of the model, apart from its verdict: full sentences. */
  readonly notices: readonly string[];
  /** Those of the last request, by their ids; absent where nothing can be merged into the model's weights. */
  readonly loras?: Readonly<Record<string, LoraUse>>;
  /**
   * Ids of the embeddings of the last request whose vectors are as wide as the text encoders; absent where these take
   * none.
   */
  readonly embeddings?: readonly string[];
}

/** How much of a LoRA file fits the model. */
export interface LoraUse {
  /** Of `keys` in the file. */
  readonly used: number;
  readonly keys: number;
  /** Keys that fit nothing: the first of them. */
  readonly unused: readonly string[];
}

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** One picture, top row first. The buffer is transferred, not copied. */
export interface Pixels extends Size {
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/**
 * `withoutPag` is null unless the run compares; and in a preview where it is what the run's last preview showed, since
 * it was finished before.
 */
export interface Pair {
  readonly withoutPag: Pixels | null;
  readonly withPag: Pixels;
}

export type EngineEvent =
  | DeviceEvent
  | LoadingEvent
  | VerdictEvent
  | ModelReadyEvent
  | CostsEvent
  | RunProgressEvent
  | PreviewEvent
  | TraceEvent
  | DoneEvent
  | CancelledEvent
  | FitEvent
  | EngineErrorEvent;

/** Between the two ends of the wire alone. */
export type WireEvent = AliveEvent | BusyEvent | LoadEndedEvent | PongEvent;

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

export interface Push extends Size {
  readonly values: Float32Array<ArrayBuffer>;
  /** Where of the picture it lies; absent: on all of it. */
  readonly within?: PicturePart;
}

/** In parts of the picture's edges, 0 … 1. */
export interface PicturePart {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What one of the user's steps came to, where a run of one image is asked for it. Of two stages: the first. */
export interface StepTrace {
  /** From 0. */
  readonly step: number;
  /** In the σ of x₀ + σ·ε. */
  readonly sigma: number;
  readonly pagScale: number;
  /** The denoised estimates, decoded or with a pixel a latent. */
  readonly withPag: Pixels;
  readonly withoutPag: Pixels | null;
  /** What PAG steers away from; null where no perturbed row ran. */
  readonly perturbed: Pixels | null;
  /** |ε_c − ε̂|, the mean over the channels of each latent. */
  readonly push: Push | null;
  /** ‖ε_c − ε_∅‖ and ‖ε_c − ε̂‖ over the latents of the image with PAG. */
  readonly norms: { readonly cfg: number | null; readonly pag: number | null };
}

/** Of one image before a record of its run. */
export interface ImageState {
  readonly record: number;
  /** f32 [channels, height, width]. */
  readonly latents: Float32Array;
  /** f32 [depth, channels, height, width]; empty where no record of the run reads any. */
  readonly history: Float32Array;
}

/** What a run whose steps were told has left of an image, beside its picture. */
export interface LeftImage {
  readonly of: 'withPag' | 'withoutPag';
  /** f32 [channels, height, width], at the end. */
  readonly latents: Float32Array;
  readonly states: readonly ImageState[];
}

/** A run as it is kept for another visit. */
export interface LeftRun {
  readonly settings: Settings;
  readonly pair: Pair;
  readonly images: readonly LeftImage[];
  readonly traces: readonly StepTrace[];
}

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

export interface DoneEvent {
  readonly type: 'done';
  readonly runId: string;
  readonly pair: Pair;
  /** Of the seeds behind the first, as far as they were made before a cancel; absent: none. */
  readonly further?: readonly Pair[];
  /** Where steps were asked for, and are small. */
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

export interface PongEvent {
  readonly type: 'pong';
  readonly ping: number;
}
