// What the worker has found: the device that it computes with, and the model that is loaded.

import type { PredictionType, SchedulerConfig } from '../diffusion/types';
import type { PictureSizes } from '../settings/pictureSize';

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
