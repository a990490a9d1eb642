// What was dropped on the page, given to the one who opens it: a folder is a model's, a file with a model's ending is
// one, or a LoRA or an embedding for it, any other is read as a recipe. What is wrong with a model is said where models
// are chosen, with a LoRA or an embedding where those stand.

import { fileOf, filesOfEntries, isDirectory, type PickedFolder } from '../library/folder';
import { isEmbedding } from '../library/embeddingOnDisk';
import { isLora } from '../library/loraOnDisk';
import { useEmbeddings } from './embeddings';
import { useLoras } from './loras';
import { useModels } from './models';
import { readRecipeFile } from './recipeFile';
import { useRecipes } from './recipeSlice';
import { useStartImage } from './startImage';

/** Endings of weights: the first two are read, of the others it is said what to do instead. */
const MODEL = /\.(safetensors|sft|ckpt|pt|pth|bin|gguf|onnx)$/i;

/** @param items what the browser gave: entries, or files where it has none of them. */
export async function openDropped(items: readonly (FileSystemEntry | File)[]): Promise<void> {
  const entries = items.filter((item): item is FileSystemEntry => !(item instanceof File));
  const models = useModels.getState();
  if (entries.some(isDirectory)) {
    await models.openFolder(() => folderOf(entries));
    if (useModels.getState().error) models.showPanel(true);
    return;
  }
  const files: File[] = [];
  for (const item of items) files.push(item instanceof File ? item : await fileOf(item as FileSystemFileEntry));
  for (const [is, { addDropped }] of [
    [isLora, useLoras.getState()],
    [isEmbedding, useEmbeddings.getState()],
  ] as const) {
    if (!(await areAll(files, is))) continue;
    models.showPanel(false); // it would lie over them
    await addDropped(files);
    return;
  }
  const [file] = files;
  if (!file || files.length > 1 || !MODEL.test(file.name)) {
    await useRecipes.getState().open(files);
    return;
  }
  await models.openCheckpoint(file);
  const { checkpointError, vaeOffered, unetOffered } = useModels.getState();
  if (checkpointError ?? vaeOffered ?? unetOffered) models.showPanel(true);
}

interface LaunchQueue {
  setConsumer(consume: (launch: { readonly files: readonly FileSystemFileHandle[] }) => void): void;
}

/** What the system's file manager opens with the installed page is as what is dropped on it. */
export function openLaunched(): void {
  const { launchQueue } = window as { readonly launchQueue?: LaunchQueue };
  launchQueue?.setConsumer(({ files }) => {
    if (files.length > 0) void Promise.all(files.map((file) => file.getFile())).then(openDropped);
  });
}

/**
 * What another app has shared to the installed page: as what is dropped on it; but a picture without settings in it is
 * one to start from.
 */
export async function openShared(shared: readonly File[] | 'lost' | null): Promise<void> {
  if (shared === null) return;
  if (shared === 'lost') {
    useRecipes
      .getState()
      .refuse('What was shared', 'It did not come through: share it again, or save it and drop it here.');
    return;
  }
  const [file] = shared;
  const isPicture = file !== undefined && shared.length === 1 && !MODEL.test(file.name);
  const hasRecipe = isPicture && (await readRecipeFile(file).then(Boolean, () => false));
  if (isPicture && !hasRecipe) await useStartImage.getState().chooseOffered(file);
  else await openDropped(shared);
}

async function areAll(files: readonly File[], is: (file: File) => Promise<boolean>): Promise<boolean> {
  for (const file of files) if (!MODEL.test(file.name) || !(await is(file))) return false;
  return files.length > 0;
}

/** Several at once are the content of one. */
async function folderOf(entries: readonly FileSystemEntry[]): Promise<PickedFolder> {
  const files = await filesOfEntries(entries);
  const [first] = entries;
  if (!first || entries.length > 1) return { name: 'Dropped model', files };
  const { name } = first;
  return { name, files: new Map([...files].map(([path, file]) => [path.slice(name.length + 1), file])) };
}
