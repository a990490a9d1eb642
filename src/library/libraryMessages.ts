// What crosses between the page and the worker that fetches and keeps models. Each request is answered once, by its id:
// taken or refused. What becomes of a fetch is in the list of models, which is told anew whenever it changes.

import type { UnetConfig } from '../configs/schemas';
import type { GraphGlance } from '../models/estimate';
import type { FetchErrorData } from './fetchError';
import type { Listing } from './hub';
import type { HubEntry } from '../models/hubCatalog';
import type { ManifestFile } from './opfs';
import type { RepoId } from '../models/repoId';
import type { RolePaths } from '../models/roles';
import type { UsualSettings } from '../settings/fields';

/** A model that can be fetched: which files, how large, from where. */
export interface Plan extends RepoId {
  /** Its folder in the model store; names repository and commit. */
  readonly dir: string;
  readonly name: string;
  readonly hubUrl: string;
  readonly commit: string;
  readonly roles: RolePaths;
  readonly files: readonly ManifestFile[];
  readonly bytes: number;
  /** Small configs that tell how large buffers will be; empty where there are none. */
  readonly unetConfig: UnetConfig;
  /** What the beginning of the UNet's file says. */
  readonly graph: GraphGlance;
  /** "Stable Diffusion 1.x, f16" of .safetensors that could be looked into; else null. */
  readonly what: string | null;
  /** As its page names it; null where it says nothing. */
  readonly licence: string | null;
}

/** A repository of several whole models, of which one is to be chosen. */
export interface FileChoice extends RepoId {
  readonly choices: readonly Pick<ManifestFile, 'path' | 'size'>[];
}

/** A LoRA in a repository. */
export interface LoraFound extends RepoId {
  readonly kind: 'lora';
  readonly commit: string;
  readonly hubUrl: string;
  readonly file: ManifestFile;
  /** By which it will be known. */
  readonly name: string;
  /** "for Stable Diffusion 1.x, rank 16, UNet and text encoder". */
  readonly what: string;
  /** As its page names it; null where it says nothing. */
  readonly licence: string | null;
}

/** What a repository, or a file of it, was found to be. */
export type Found = Plan | FileChoice | LoraFound;

export type StoredState =
  | 'whole'
  | 'paused' // by the visitor, or by the end of the page
  | 'fetching'
  | 'waiting' // something that passes is in the way; it goes on by itself
  | 'failed'; // something that needs the visitor

/** A model in the store, whole or not. */
export interface StoredModel extends RepoId {
  readonly dir: string;
  readonly name: string;
  readonly hubUrl: string;
  readonly commit: string;
  /** Of one file of its repository: which. */
  readonly file: string | null;
  /** Whether it is a UNet alone, which runs with the rest of another model. */
  readonly unetAlone: boolean;
  readonly bytes: number;
  readonly fetchedBytes: number;
  /** What its configs tell of the settings that suit it; null until they are here. */
  readonly usual: UsualSettings | null;
  /** What its UNet's config says; null until it is here. */
  readonly unet: UnetConfig | null;
  readonly state: StoredState;
  /** Over the last seconds; null while it is not known. */
  readonly bytesPerSecond: number | null;
  readonly error: FetchErrorData | null;
  /** What its revision means now, where that is another commit with other files; null where it is not known to be. */
  readonly newer: (Pick<Listing, 'commit'> & { readonly changedFiles: number }) | null;
}

export type LibraryRequest =
  | { readonly type: 'list' }
  /**
   * Asks the hub what a repository holds; `entry` is its entry in the catalogue, where it has one, and `file` the one
   * that was chosen of several.
   */
  | {
      readonly type: 'inspect';
      readonly repo: RepoId;
      readonly hubUrl: string;
      readonly entry: HubEntry | null;
      readonly file: string | null;
    }
  | { readonly type: 'fetch'; readonly plan: Plan }
  | { readonly type: 'fetchLora'; readonly lora: LoraFound }
  | { readonly type: 'resume' | 'pause' | 'remove' | 'check'; readonly dir: string }
  /** The network may be back: try at once. */
  | { readonly type: 'online' };

export type LibraryMessage =
  | { readonly type: 'ask'; readonly id: number; readonly request: LibraryRequest }
  /** Nobody waits for the answer any more. */
  | { readonly type: 'forget'; readonly id: number };

export type LibraryEvent =
  | { readonly type: 'models'; readonly models: readonly StoredModel[] }
  /** `answer` is that to `inspect`, or the file of a LoRA. */
  | { readonly type: 'taken'; readonly id: number; readonly answer: Found | File | null }
  | { readonly type: 'refused'; readonly id: number; readonly error: FetchErrorData };
