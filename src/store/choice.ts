// Which model is chosen, as the page keeps it: where it is, what it is called, and what of it is another file's.

import type { UnetFile } from '../library/checkpointFile';
import type { StoredModel } from '../library/libraryMessages';
import { CLIP_FOLDER, POCKET, modelRef } from '../models/catalog';
import { HUB_MODELS } from '../models/hubCatalog';
import { usualByName, type ByName } from '../models/distilledName';
import { readsSameText } from '../models/unetFit';
import { unetName } from '../models/weightFiles';
import type { ModelRef, StoredUnet } from '../protocol/modelRefs';
import type { UsualSettings } from '../settings/fields';
import { newId, read, write } from './browser';

export interface Choice {
  readonly name: string;
  readonly ref: ModelRef;
  /** Settings that suit it; null where they are not known, as after a reload. */
  readonly usual: UsualSettings | null;
  /** What its name alone says of them, which nothing in its files does. */
  readonly byName?: Said;
  /** What its UNet's config says; null where that is not known. */
  readonly config: StoredModel['unet'];
  /** Of the hub; null where it is not from there. Kept with the choice: recipes must not wait for the store's list. */
  readonly origin: Origin | null;
  /** Where another VAE has taken the place of its own: that one's name, whether it is TAESD, the choice without it. */
  readonly vae?: { readonly name: string; readonly tiny: boolean; readonly own: Choice };
  /** Where it is a UNet alone that has the rest of another model: its name, that model, and where the store has it. */
  readonly unet?: { readonly name: string; readonly base: Choice; readonly dir: string | null };
}

type Said = Pick<ByName, 'kind' | 'note'>;

export type Origin = Pick<StoredModel, 'repo' | 'commit'> & {
  /** The one file of the repository that it is. */
  readonly file?: string;
};

const CHOSEN = 'pagoda.model';

export const BUILT_IN: Choice = {
  name: POCKET.name,
  ref: modelRef(POCKET, document.baseURI),
  usual: POCKET.usual,
  config: null,
  origin: null,
};

type Stored = Pick<StoredModel, 'name' | 'dir' | 'repo' | 'commit' | 'file' | 'usual' | 'unet'>;

export function storedChoice({ name, dir, repo, commit, file, usual, unet }: Stored): Choice {
  const known = file === null ? HUB_MODELS.find((entry) => entry.repo === repo)?.usual : undefined;
  return {
    name,
    ref: { kind: 'opfs', id: `opfs:${dir}`, dir, clipUrl: clipUrl() },
    ...(known ? { usual: known } : suggested(usual, unet, file === null ? [] : [file, repo])),
    config: unet,
    origin: { repo, commit, ...(file !== null && { file }) },
  };
}

/** Usual settings by the name where that says more than the weights: of a file, whose weights are all that it has. */
export function suggested(
  usual: UsualSettings | null,
  unet: Choice['config'],
  names: readonly string[],
): Pick<Choice, 'usual' | 'byName'> {
  // Its weights say it then.
  const told = !usual || unet?.time_cond_proj_dim !== undefined;
  const found = told ? null : usualByName(names, usual, unet?.addition_embed_type === 'text_time');
  return found ? { usual: found.usual, byName: { kind: found.kind, note: found.note } } : { usual };
}

export function clipUrl(): string {
  return new URL(CLIP_FOLDER, document.baseURI).href;
}

/** The whole model in it, without what is of other files. */
export function ownModel(choice: Choice): Choice {
  const { base } = (choice.vae?.own ?? choice).unet ?? {};
  return base ?? choice.vae?.own ?? choice;
}

/** A UNet alone, and where it is. */
export type UnetAlone = Pick<UnetFile, 'name'> & {
  readonly config: StoredModel['unet'];
  readonly usual: UsualSettings | null;
  readonly byName?: Said;
  readonly source: File | StoredUnet;
};

export function unetOnDisk({ name, config, usual, file }: UnetFile): UnetAlone {
  return { name, config, ...suggested(usual, config, [name]), source: file };
}

export function unetInStore({ dir, repo, file, unet, usual }: StoredModel): UnetAlone {
  return {
    name: unetName(file ?? '', repo),
    config: unet,
    ...suggested(usual, unet, [file ?? '', repo]),
    source: { dir },
  };
}

/** Models that are here and whose text encoders suit a UNet, the one in use first. */
export function basesOf(
  { config }: Pick<UnetAlone, 'config'>,
  inUse: Choice,
  stored: readonly StoredModel[],
): Choice[] {
  const own = ownModel(inUse);
  const others = stored.filter(({ state, unetAlone }) => state === 'whole' && !unetAlone).map(storedChoice);
  const known = others.find(({ ref }) => ref.id === own.ref.id)?.config ?? own.config;
  const here = [{ ...own, config: known }, ...others.filter(({ ref }) => ref.id !== own.ref.id)];
  return here.filter((model) => model.config && config && readsSameText(model.config, config));
}

/**
 * The UNet with the rest of a model: its own layers, and settings of its own where one of both embeds the guidance
 * scale, or its name says so.
 */
export function withUnet(base: Choice, { name, source, config, usual, byName }: UnetAlone): Choice {
  const distilled = (unet: Choice['config']) => unet?.time_cond_proj_dim !== undefined;
  const dir = source instanceof File ? null : source.dir;
  const likeBase = !byName && distilled(config) === distilled(base.config);
  return {
    name: `${name} with ${base.name}`,
    ref: { ...base.ref, id: `${base.ref.id}+unet:${dir ?? newId()}`, unet: source },
    usual: likeBase ? base.usual && { ...base.usual, layers: (usual ?? base.usual).layers } : usual,
    ...(byName && { byName }),
    config,
    origin: base.origin,
    unet: { name, base, dir },
  };
}

/** The UNet alone that a choice has of the store; null where it has none. */
export function storedUnetOf(choice: Choice): { readonly name: string; readonly dir: string } | null {
  const { name, dir } = (choice.vae?.own ?? choice).unet ?? { name: '', dir: null };
  return dir === null ? null : { name, dir };
}

/** Whether a reload finds it again. */
export function isKept(choice: Choice): boolean {
  const { unet } = choice.vae?.own ?? choice;
  return ownModel(choice).ref.kind === 'opfs' && !choice.vae && unet?.dir !== null;
}

/** What comes from the disk is not kept over a reload: a page may not open a file again by itself. */
export function keepChoice(choice: Choice): void {
  const { name, ref, origin } = ownModel(choice);
  const kept = { name, dir: ref.kind === 'opfs' ? ref.dir : null, origin, unet: storedUnetOf(choice) };
  write(CHOSEN, ref.kind === 'opfs' ? JSON.stringify(kept) : null);
}

/** What an earlier visit has chosen. */
export function readChoice(): Choice {
  try {
    const { name, dir, origin, unet } = JSON.parse(read(CHOSEN) ?? '{}') as {
      name?: unknown;
      dir?: unknown;
      origin?: Partial<Origin>;
      unet?: { name?: unknown; dir?: unknown } | null;
    };
    if (typeof name !== 'string' || typeof dir !== 'string') return BUILT_IN;
    // Before the origin was kept too: the folder is named by it, the commit shortened.
    const [, owner = name, own = '', short = ''] = /^(.+?)--(.+)@([0-9a-f]+)$/.exec(dir) ?? [];
    const { repo, commit, file = null } = { repo: own === '' ? owner : `${owner}/${own}`, commit: short, ...origin };
    // Its usual settings were brought on that visit.
    const base = { ...storedChoice({ name, dir, repo, commit, file, usual: null, unet: null }), usual: null };
    if (typeof unet?.name !== 'string' || typeof unet.dir !== 'string') return base;
    return withUnet(base, { name: unet.name, config: null, usual: null, source: { dir: unet.dir } });
  } catch {
    return BUILT_IN;
  }
}
