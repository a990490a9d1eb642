// The recipe slice: what a recipe is taken elsewhere as, and what came of the file that was opened last. Opening one
// changes the settings and nothing else; the model stays the one that is chosen.

import { create } from 'zustand';
import { readPictureHead } from '../image/pictureHead';
import { pictureName } from '../image/png';
import { POCKET } from '../models/catalog';
import { readField, type Settings } from '../settings/fields';
import { sizeSettings } from '../settings/pictureSize';
import { recipeToComfyWorkflow } from '../recipe/comfyWorkflow';
import { recipeToDiffusersScript } from '../recipe/diffusersScript';
import { fragmentToRecipe } from '../recipe/link';
import { withoutEnding } from '../models/weightFiles';
import { loraTag } from '../recipe/loraTags';
import { refusal, type NotRestored, type Recipe, type RecipeLora, type Restored } from '../recipe/recipe';
import { recipeToInfotext } from '../recipe/writeInfotext';
import { download } from './saveFile';
import { useEmbeddings, type Embedding } from './embeddings';
import { useLoras, type Lora } from './loras';
import { useModels } from './models';
import { readRecipeFile } from './recipeFile';
import { recipeModel } from './runRecipe';
import { useStartImage } from './startImage';
import { useStore } from './store';

export type { Recipe };

export interface RecipeExport {
  readonly name: string;
  /** Where it is used, as a sentence. */
  readonly note: string;
  readonly text: string;
  readonly fileName: string;
  /** What it cannot carry or must be told, as sentences. */
  readonly warnings: readonly string[];
}

/** Everything that other programs can make of a recipe. */
export function recipeExports(recipe: Recipe): readonly RecipeExport[] {
  const { settings, model } = recipe;
  const stem = pictureName(settings.prompt, settings.seed);
  const builtIn =
    model.id === POCKET.id
      ? ['The built-in model is in Pagoda alone: with another one these settings make another picture.']
      : [];
  const infotext = recipeToInfotext(recipe);
  const checkpoint = `${withoutEnding(model.id.split('/').at(-1) ?? model.id)}.safetensors`;
  const comfy = recipeToComfyWorkflow(recipe, checkpoint);
  const isAdvanced = Object.values(comfy.workflow).some((node) => node.class_type === 'PerturbedAttention');
  const python = recipeToDiffusersScript(recipe);
  return [
    {
      name: 'A1111',
      note: 'For the prompt field of A1111 and Forge, whose arrow button reads it.',
      text: infotext.text,
      fileName: `${stem}.txt`,
      warnings: [...builtIn, ...infotext.warnings],
    },
    {
      name: 'JSON',
      note: 'The whole recipe; Pagoda opens it again.',
      text: `${JSON.stringify(recipe, null, 2)}\n`,
      fileName: `${stem}.json`,
      warnings: [],
    },
    {
      name: 'ComfyUI',
      note: 'A workflow in API format: save it and drop it on ComfyUI.',
      text: `${JSON.stringify(comfy.workflow, null, 2)}\n`,
      fileName: `${stem}-comfyui.json`,
      warnings: [
        ...builtIn,
        `ComfyUI lists checkpoints by their file names: choose yours in place of ${checkpoint}.`,
        ...(isAdvanced
          ? ['Its node PerturbedAttention comes with sd-perturbed-attention, which must be installed.']
          : []),
        ...comfy.warnings,
      ],
    },
    {
      name: 'diffusers',
      note: 'A Python script that makes the picture with diffusers.',
      text: python.script,
      fileName: `${stem}.py`,
      warnings: [...builtIn, ...python.warnings],
    },
  ];
}

export function saveExport({ text, fileName }: RecipeExport): void {
  download(new Blob([text], { type: 'text/plain' }), fileName);
}

export type Opened =
  | {
      readonly outcome: 'failed';
      readonly fileName: string;
      readonly message: string;
      /** The file, where it is a picture: a run may begin from it. */
      readonly picture?: File | null;
    }
  | {
      readonly outcome: 'taken';
      readonly fileName: string;
      readonly notRestored: readonly NotRestored[];
      /** The recipe's model, where it is not the one that is chosen. */
      readonly otherModel: Recipe['model'] | null;
      /** What was damaged in the file, as sentences. */
      readonly problems: readonly string[];
      /** The settings as they were. */
      readonly before: Settings;
      readonly picture?: File | null;
    };

interface Recipes {
  readonly opened: Opened | null;
  /** Takes the settings of one file over; of several files none is taken. */
  readonly open: (files: readonly File[]) => Promise<void>;
  /** Says of something that was given why it is not opened. */
  readonly refuse: (what: string, why: string) => void;
  /** Takes over what the address of the page carries, if it does, and takes it out of the address. */
  readonly openLink: () => void;
  /** Brings back the settings as they were before. */
  readonly undo: () => void;
  /** Takes the picture that was opened as the start image. */
  readonly beginFrom: () => void;
  readonly dismiss: () => void;
}

export const useRecipes = create<Recipes>()((set, get) => {
  let turn = 0;
  return {
    opened: null,
    open: async (files) => {
      const [file] = files;
      if (!file) return;
      turn += 1;
      const own = turn;
      const opened =
        files.length > 1
          ? failed(`${files.length} files`, 'Drop one file at a time.')
          : await take(file, () => own === turn);
      // Another file may have been given while this one was read: the last one counts.
      if (own === turn) set({ opened });
    },
    refuse: (what, why) => {
      turn += 1;
      set({ opened: failed(what, why) });
    },
    openLink: () => {
      const read = fragmentToRecipe(location.hash);
      if (read === null) return;
      // A reload is not to set the form again.
      history.replaceState(history.state, '', `${location.pathname}${location.search}`);
      turn += 1;
      set({
        opened: typeof read === 'string' ? failed('The link', read) : takeOver('the link', { ...read, problems: [] }),
      });
    },
    undo: () => {
      const { opened } = get();
      if (opened?.outcome === 'taken') useStore.getState().change(opened.before);
      set({ opened: null });
    },
    beginFrom: () => {
      const { opened } = get();
      if (!opened?.picture) return;
      void useStartImage.getState().chooseOffered(opened.picture);
      // What was taken over can be undone still.
      set({ opened: opened.outcome === 'taken' ? { ...opened, picture: null } : null });
    },
    dismiss: () => set({ opened: null }),
  };
});

function failed(fileName: string, message: string): Opened {
  return { outcome: 'failed', fileName, message };
}

async function take(file: File, isWanted: () => boolean): Promise<Opened | null> {
  const head = await readPictureHead(file);
  const offered = head !== null || file.type.startsWith('image/') ? { picture: file } : {};
  let read;
  try {
    read = await readRecipeFile(file);
  } catch (error) {
    return { ...failed(file.name, error instanceof Error ? error.message : String(error)), ...offered };
  }
  return isWanted() ? { ...takeOver(file.name, read), ...offered } : null;
}

/** Changes the settings to those of a recipe, and says what cannot be had here. */
export function takeOver(
  fileName: string,
  read: Restored & { readonly problems: readonly string[] },
): Extract<Opened, { outcome: 'taken' }> {
  const { change, settings: before, job } = useStore.getState();
  const { settings, notRestored } = within(read);
  const { choice } = useModels.getState();
  const { width, height } = settings;
  const hasSize = width !== undefined && height !== undefined && job.model?.id === choice.ref.id;
  // What another program made did not change on the way.
  change({ earlier: [], ...settings, ...(hasSize && sizeSettings({ width, height }, job.model.sizes)) });
  const otherModel = read.model && !isSameModel(read.model, recipeModel(choice)) ? read.model : null;
  const notes = [
    ...notRestored,
    ...loraNotes(read.loras, useLoras.getState().loras),
    ...embeddingNotes(read.embeddings, useEmbeddings.getState().embeddings),
    ...startNotes(read.start, useStartImage.getState().chosen?.image.hash),
    ...maskNotes(read.mask, useStartImage.getState().chosen?.image.mask?.hash),
  ];
  return { outcome: 'taken', fileName, notRestored: notes, otherModel, problems: read.problems, before };
}

/** What is another LoRA here than in the picture: one that is not here, another file, or one that was not there. */
function loraNotes(wanted: readonly RecipeLora[], here: readonly Lora[]): NotRestored[] {
  const missing = wanted.flatMap(({ name, weight, hash }) => {
    const own = here.find((lora) => lora.name === name);
    if (!own) return [refusal('LoRA', loraTag(name, weight), 'It is not loaded: add its file under LoRA.')];
    const differs = hash !== null && own.hash !== null && hash !== own.hash;
    return differs ? [refusal('LoRA', name, 'The file of this name that is loaded here is another one.')] : [];
  });
  const more = here
    .filter((lora) => lora.weight !== 0 && wanted.every(({ name }) => name !== lora.name))
    .map(({ name }) => refusal('LoRA', name, 'It is in use here and was not in that picture: remove it.'));
  return [...missing, ...more];
}

/** An image is in no recipe: it is to be chosen again, or to be removed where there was none. */
function startNotes(wanted: string | undefined, here: string | undefined): NotRestored[] {
  if (wanted === here) return [];
  const why =
    wanted === undefined
      ? 'The picture was made from noise: remove the start image that is in use here.'
      : 'The picture began from an image, which is not in the file: choose that under From an image.';
  return [refusal('Start image', (wanted ?? here ?? '').slice(0, 12), why)];
}

/** Nor is a mask. */
function maskNotes(wanted: string | undefined, here: string | undefined): NotRestored[] {
  if (wanted === here) return [];
  const why =
    wanted === undefined
      ? 'The picture was made without a mask: clear the one that is in use here.'
      : 'Part of an image was made anew, under a mask that is not in the file: paint it, or choose it.';
  return [refusal('Mask', (wanted ?? here ?? '').slice(0, 12), why)];
}

function embeddingNotes(wanted: readonly string[], here: readonly Embedding[]): NotRestored[] {
  const isMissing = (name: string) => here.every((one) => one.name.toLowerCase() !== name.toLowerCase());
  return wanted
    .filter(isMissing)
    .map((name) => refusal('Embedding', name, 'It is not loaded: add its file under Embeddings.'));
}

/** Texts as the page can show them. */
function within({ settings, notRestored }: Restored): Pick<Restored, 'settings' | 'notRestored'> {
  const bounded = (['prompt', 'negativePrompt', 'layers'] as const).flatMap((key) => {
    const given = settings[key];
    return given === undefined ? [] : [{ key, given, ...readField(key, given) }];
  });
  const cut = bounded.flatMap(({ key, given, note }) => (note === null ? [] : [refusal(key, given, note)]));
  return {
    settings: { ...settings, ...Object.fromEntries(bounded.map(({ key, nearest }) => [key, nearest])) },
    notRestored: [...notRestored, ...cut],
  };
}

/** A recipe that names no revision says nothing against this one. */
function isSameModel(one: Recipe['model'], other: Recipe['model']): boolean {
  if (one.vae !== other.vae || one.unet !== other.unet) return false;
  return one.id === other.id && (one.revision === null || other.revision === null || one.revision === other.revision);
}
