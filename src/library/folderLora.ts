// A folder that holds a LoRA and no model, as diffusers saves one (`pytorch_lora_weights.safetensors`).

import { loraName } from './fetchLora';
import { FetchError } from './fetchError';
import type { PickedFolder } from './folder';
import { isLora } from './loraOnDisk';

/** Files that are looked into. */
const MOST = 50;

/**
 * null where the folder holds no LoRA, or a network beside it.
 * @throws FetchError `layout` where it holds several: one is to be chosen.
 */
export async function folderLora({ name, files }: PickedFolder): Promise<File | null> {
  const paths = [...files.keys()];
  if (paths.some((path) => /(^|\/)(unet|transformer)\//.test(path))) return null;
  const weights = paths.filter((path) => path.endsWith('.safetensors')).slice(0, MOST);
  const found: string[] = [];
  for (const path of weights) if (await isLora(files.get(path)!)) found.push(path);
  const [path] = found;
  if (path === undefined || found.length < weights.length) return null;
  if (found.length > 1)
    throw new FetchError(
      'layout',
      `This folder holds ${found.length} LoRA and no model. Add those that you want as “LoRA file”.`,
      found.join('\n'),
    );
  return new File([files.get(path)!], `${loraName(path, name)}.safetensors`);
}
