// The models slice: which model is chosen, what is in the model store, and what the visitor looks at before a
// download. The model store's worker is started when the visitor first asks for it, or has used it before: with
// the built-in model nothing else is ever contacted.

import { create } from 'zustand';
import { estimateNeeds, type Weights } from '../models/estimate';
import {
  checkpointModel,
  unetFile,
  vaeFile,
  type CheckpointModel,
  type UnetFile,
  type VaeFile,
} from '../library/checkpointFile';
import { FetchError, toFetchErrorData, type FetchErrorData } from '../library/fetchError';
import { filesOf, folderModel, type FolderModel, type PickedFolder } from '../library/folder';
import { folderLora } from '../library/folderLora';
import { HUB_MODELS, type HubEntry } from '../models/hubCatalog';
import { Library } from '../library/library';
import type { FileChoice, Found, LoraFound, Plan, StoredModel } from '../library/libraryMessages';
import { preflight, sizeText, type Verdict } from '../models/preflight';
import { HUB_URL, parseRepoId } from '../models/repoId';
import type { DeviceInfo } from '../protocol/loaded';
import { newId, read, write } from './browser';
import { useLoras } from './loras';
import {
  BUILT_IN,
  clipUrl,
  keepChoice,
  ownModel,
  readChoice,
  storedChoice,
  storedUnetOf,
  suggested,
  withUnet,
  type Choice,
  type UnetAlone,
} from './choice';

export { HUB_MODELS, sizeText };

/** What a lookup on the hub has come to. */
export type Lookup =
  | { readonly state: 'none' }
  | { readonly state: 'looking'; readonly what: string }
  /** `error` is why it could not be fetched, where that was tried. */
  | { readonly state: 'found'; readonly plan: Plan; readonly error: FetchErrorData | null }
  /** It holds several models, of which one is to be chosen. */
  | { readonly state: 'choice'; readonly found: FileChoice }
  /** It is no model; `error` is why it could not be fetched, where that was tried. */
  | {
      readonly state: 'lora';
      readonly found: LoraFound;
      readonly fetching: boolean;
      readonly error: FetchErrorData | null;
    }
  | { readonly state: 'failed'; readonly error: FetchErrorData };

interface Models {
  readonly choice: Choice;
  readonly stored: readonly StoredModel[];
  /** The folder that was opened last, for its size and verdict; it is not kept over a reload. */
  readonly folder: FolderModel | null;
  /** The checkpoint that was opened last; not kept over a reload either. */
  readonly checkpoint: CheckpointModel | null;
  /** A VAE that was opened and is not in use yet. */
  readonly vaeOffered: VaeFile | null;
  /** The same of a UNet, which runs with the rest of another model. */
  readonly unetOffered: UnetFile | null;
  readonly lookup: Lookup;
  /** Whether the dialog of models is open. */
  readonly panelOpen: boolean;
  /** Why a checkpoint could not be used. */
  readonly checkpointError: FetchErrorData | null;
  /** Why a folder on disk could not be opened. */
  readonly error: FetchErrorData | null;
  /** Why nothing can be stored, or what is stored cannot be listed. */
  readonly refused: FetchErrorData | null;
  /** What was asked of a stored model and failed, apart from its fetch. */
  readonly failed: { readonly dir: string; readonly error: FetchErrorData } | null;
  /** The model in use that has been deleted elsewhere, to be said and fetched again. */
  readonly gone: { readonly name: string; readonly repo: string; readonly instead: string } | null;
  /** Bytes that the browser still grants; null where it does not say. */
  readonly freeBytes: number | null;
  readonly hubUrl: string;
  readonly setHubUrl: (url: string) => void;
  /** Starts the model store's worker; done once. */
  readonly open: () => void;
  /** Opens it only where something was ever fetched: what a reload cut off goes on. */
  readonly reopen: () => void;
  readonly chooseBuiltIn: () => void;
  readonly chooseStored: (model: StoredModel) => void;
  /** `file` of several in the repository. */
  readonly lookUp: (repo: string, revision: string, asked?: { entry?: HubEntry; file?: string }) => Promise<void>;
  /** Asks the browser to keep what is stored, and fetches. */
  readonly fetch: (plan: Plan) => Promise<void>;
  /** Fetches a LoRA that was looked up and adds it to the model in use. */
  readonly addLora: (found: LoraFound) => Promise<void>;
  readonly act: (type: 'resume' | 'pause' | 'remove' | 'check', dir: string) => Promise<void>;
  /** From <input webkitdirectory>, or from the browser's folder picker where that is null. */
  readonly pickFolder: (list: FileList | null) => Promise<void>;
  /** `pick` gives null where nothing was picked. */
  readonly openFolder: (pick: () => Promise<PickedFolder | null>) => Promise<void>;
  /** A whole model is chosen; a VAE alone is offered for the one in use, a UNet alone for those that it fits. */
  readonly openCheckpoint: (file: File) => Promise<void>;
  /** The model in use with the VAE that is offered, or with its own. */
  readonly takeVae: (which: 'offered' | 'own') => void;
  /** A UNet alone with the rest of this model. */
  readonly takeUnet: (unet: UnetAlone, base: Choice) => void;
  readonly choose: (choice: Choice) => void;
  readonly showPanel: (open: boolean) => void;
  readonly dismiss: () => void;
}

type FolderPicker = () => Promise<FileSystemDirectoryHandle>;

const HUB = 'pagoda.hub';
const FETCHED = 'pagoda.fetched';

export const useModels = create<Models>()((set, get) => {
  let library: Library | null = null;
  let looking = new AbortController();
  /** What this page itself deletes needs no word. */
  const deleting = new Set<string>();
  const door = () => {
    if (library) return library;
    const made = (library = new Library(onModels));
    window.addEventListener('online', () => void made.ask({ type: 'online' }).catch(() => undefined));
    return made;
  };
  const stopLooking = () => {
    looking.abort();
    looking = new AbortController();
    return looking.signal;
  };

  const choose = (choice: Choice) => {
    set({ choice });
    keepChoice(choice);
  };
  const onModels = (models: readonly StoredModel[]) => {
    const { stored, choice } = get();
    set({ stored: models, refused: null });
    if (models.length !== stored.length) void measure();
    const lacks = (folder: string) => !models.some(({ dir, state }) => dir === folder && state === 'whole');
    const lose = (dir: string, gone: { readonly name: string; readonly repo: string }, instead: Choice) => {
      if (!deleting.has(dir)) set({ gone: { ...gone, instead: instead.name } });
      choose(instead);
    };
    const unet = storedUnetOf(choice);
    const { ref, name, origin } = ownModel(choice);
    if (ref.kind === 'opfs' && lacks(ref.dir)) lose(ref.dir, { name, repo: origin?.repo ?? '' }, BUILT_IN);
    else if (unet && lacks(unet.dir)) lose(unet.dir, { name: unet.name, repo: '' }, ownModel(choice));
  };
  const measure = async () => {
    try {
      const { quota, usage } = await navigator.storage.estimate();
      set({ freeBytes: quota === undefined ? null : quota - (usage ?? 0) });
    } catch {
      set({ freeBytes: null }); // it does not say
    }
  };

  return {
    choice: readChoice(),
    stored: [],
    folder: null,
    checkpoint: null,
    vaeOffered: null,
    unetOffered: null,
    lookup: { state: 'none' },
    panelOpen: false,
    checkpointError: null,
    error: null,
    refused: null,
    failed: null,
    gone: null,
    freeBytes: null,
    hubUrl: read(HUB) ?? HUB_URL,
    setHubUrl: (text) => {
      const url = text.trim().replace(/\/+$/, '');
      const valid = URL.canParse(url) && /^https?:/.test(url);
      write(HUB, valid && url !== HUB_URL ? url : null);
      set({ hubUrl: valid ? url : HUB_URL });
    },
    open: () => {
      if (!canStore()) return;
      void measure();
      door()
        .ask({ type: 'list' })
        .catch((error: unknown) => set({ refused: toFetchErrorData(error) }));
    },
    reopen: () => {
      if (read(FETCHED) !== null) get().open();
    },
    chooseBuiltIn: () => choose(BUILT_IN),
    chooseStored: (model) => choose(storedChoice(model)),
    lookUp: async (text, revision, { entry: known, file = null } = {}) => {
      const signal = stopLooking();
      const repo = parseRepoId(text, revision);
      if (!repo) {
        const error = new FetchError('not-found', 'Write a repository as owner/name, as on its page.', text);
        set({ lookup: { state: 'failed', error: toFetchErrorData(error) } });
        return;
      }
      set({ lookup: { state: 'looking', what: repo.repo } });
      const entry = known ?? HUB_MODELS.find((one) => one.repo === repo.repo && one.revision === repo.revision) ?? null;
      try {
        const found = await door().inspect({ repo, hubUrl: get().hubUrl, entry, file }, signal);
        await measure();
        if (signal.aborted) return;
        set({ lookup: lookupOf(found) });
      } catch (error) {
        if (!signal.aborted) set({ lookup: { state: 'failed', error: toFetchErrorData(error) } });
      }
    },
    fetch: async (plan) => {
      set({ lookup: { state: 'found', plan, error: null } });
      try {
        await keepStored();
        await door().ask({ type: 'fetch', plan });
        write(FETCHED, 'yes');
        set({ lookup: { state: 'none' }, gone: null });
      } catch (error) {
        set({ lookup: { state: 'found', plan, error: toFetchErrorData(error) } });
      }
    },
    addLora: async (found) => {
      const signal = stopLooking();
      set({ lookup: { state: 'lora', found, fetching: true, error: null } });
      try {
        const file = await door().fetchLora(found, signal);
        set({ lookup: { state: 'none' }, panelOpen: false });
        await useLoras.getState().addDropped([file]);
      } catch (error) {
        if (signal.aborted) return;
        set({ lookup: { state: 'lora', found, fetching: false, error: toFetchErrorData(error) } });
      }
    },
    act: async (type, dir) => {
      set({ failed: null });
      if (type === 'remove') deleting.add(dir);
      try {
        await door().ask({ type, dir });
      } catch (error) {
        set({ failed: { dir, error: toFetchErrorData(error) } });
      } finally {
        deleting.delete(dir);
      }
    },
    pickFolder: (list) => get().openFolder(() => (list ? Promise.resolve(fromList(list)) : pickFolder())),
    openFolder: async (pick) => {
      try {
        const picked = await pick();
        if (!picked) return;
        const lora = await folderLora(picked);
        if (lora) {
          set({ error: null, panelOpen: false });
          await useLoras.getState().addDropped([lora]);
          return;
        }
        const folder = await folderModel(picked);
        set({ folder, error: null });
        choose({
          name: folder.name,
          ref: { kind: 'folder', id: `folder:${newId()}`, files: folder.files },
          usual: folder.usual,
          config: folder.weights.unetConfig,
          origin: null,
        });
      } catch (error) {
        set({ error: toFetchErrorData(error) });
      }
    },
    openCheckpoint: async (file) => {
      try {
        const vaeOffered = await vaeFile(file);
        set({ vaeOffered, checkpointError: null });
        if (vaeOffered) return;
        const unetOffered = await unetFile(file);
        if (unetOffered) {
          set({ unetOffered });
          return;
        }
        const checkpoint = await checkpointModel(file.name, { head: file, size: file.size });
        set({ checkpoint });
        choose({
          name: checkpoint.name,
          ref: { kind: 'file', id: `file:${newId()}`, file, clipUrl: clipUrl() },
          ...suggested(checkpoint.usual, checkpoint.weights.unetConfig, [checkpoint.name]),
          config: checkpoint.weights.unetConfig,
          origin: null,
        });
      } catch (error) {
        set({ checkpointError: toFetchErrorData(error) });
      }
    },
    takeVae: (which) => {
      const { choice, vaeOffered } = get();
      const own = choice.vae?.own ?? choice;
      set({ vaeOffered: null });
      if (which === 'own') {
        choose(own);
        return;
      }
      if (!vaeOffered) return;
      const { name, file, tiny } = vaeOffered;
      choose({ ...own, ref: { ...own.ref, id: `${own.ref.id}+vae:${newId()}`, vae: file }, vae: { name, tiny, own } });
    },
    takeUnet: (unet, base) => {
      set({ unetOffered: null });
      choose(withUnet(base, unet));
    },
    choose,
    showPanel: (open) => {
      if (open) get().open();
      set({ panelOpen: open });
    },
    dismiss: () => {
      stopLooking();
      set({
        checkpointError: null,
        vaeOffered: null,
        unetOffered: null,
        error: null,
        gone: null,
        lookup: { state: 'none' },
      });
    },
  };
});

function lookupOf(found: Found): Lookup {
  if ('dir' in found) return { state: 'found', plan: found, error: null };
  return 'choices' in found ? { state: 'choice', found } : { state: 'lora', found, fetching: false, error: null };
}

/** Whether this device can hold it. */
export function verdictOf(weights: Plan | Weights, device: DeviceInfo | null, freeBytes: number | null): Verdict {
  const files = 'files' in weights ? { ...weights, paths: weights.files.map((file) => file.path) } : weights;
  const { deviceMemory } = navigator as { readonly deviceMemory?: number };
  // Without a device the files' own types count; what the device makes of them is not known yet.
  return preflight(
    estimateNeeds(files, device?.f16 ?? true),
    { device, freeBytes, memoryGiB: deviceMemory },
    freeBytes === null ? 0 : weights.bytes,
  );
}

/** Whether the page may store models at all: only over HTTPS, or from this machine. */
export function canStore(): boolean {
  return 'storage' in navigator && 'locks' in navigator;
}

/** Asks the browser not to clear what is stored; it may say no. */
async function keepStored(): Promise<void> {
  try {
    await navigator.storage.persist();
  } catch {
    return;
  }
}

/** Whether the browser has a folder picker of its own, which reads in place and asks once. */
export function hasFolderPicker(): boolean {
  return 'showDirectoryPicker' in window;
}

async function pickFolder(): Promise<PickedFolder | null> {
  const { showDirectoryPicker } = window as unknown as { showDirectoryPicker: FolderPicker };
  try {
    const folder = await showDirectoryPicker();
    return { name: folder.name, files: await filesOf(folder) };
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null; // the visitor thought better of it
    throw error;
  }
}

/** Paths of an <input webkitdirectory> begin with the folder's own name. */
function fromList(list: FileList): PickedFolder | null {
  const name = list[0]?.webkitRelativePath.split('/')[0];
  if (name === undefined) return null;
  return { name, files: new Map([...list].map((file) => [file.webkitRelativePath.slice(name.length + 1), file])) };
}
