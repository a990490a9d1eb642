// The wall between page and worker: requests go page → worker, as plain records. A run is named by the page (`runId`);
// while one is under way one more may wait, the newest, and a cancel takes effect between segments.

import type { Emphasis } from '../prompt/pieces';
import type { Settings } from '../settings/fields';
import type { EmbeddingRef, LoraRef, ModelRef } from './modelRefs';
import type { StartImage } from './pictureData';
import type { LeftRun, StepLatents } from './runSteps';

export type EngineRequest =
  | LoadRequest
  | GenerateRequest
  | CancelRequest
  | FitRequest
  | WeighRequest
  | DecodeRequest
  | EndDecodeRequest
  | PingRequest;

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

/** The picture of kept latents, by the VAE of the model that is loaded. Waits for what was asked for before it. */
export interface DecodeRequest {
  readonly type: 'decode';
  readonly decodeId: number;
  /** The `id` of the ModelRef that must be loaded. */
  readonly modelId: string;
  readonly latents: StepLatents;
}

/** It is no longer wanted; an unknown id is ignored. */
export interface EndDecodeRequest {
  readonly type: 'end-decode';
  readonly decodeId: number;
}

/** Answered as soon as the worker's thread is free. */
export interface PingRequest {
  readonly type: 'ping';
  readonly ping: number;
}
