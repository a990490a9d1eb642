// One file of a repository that holds a whole model in it, or a UNet alone, as what would be fetched. Its header tells
// all that a folder says in configs, and refuses what is neither before anything is fetched; a LoRA is told as one.

import { absent } from '../configs/readJson';
import { UNET } from '../configs/schemas';
import { NO_GLANCE } from '../models/estimate';
import { unetName } from '../models/weightFiles';
import { checkpointModel, unetFound } from './checkpointFile';
import { FetchError } from './fetchError';
import { lookAtHead } from './headLook';
import { fileUrl, type Listing } from './hub';
import { loraFound } from './fetchLora';
import type { LoraFound, Plan } from './libraryMessages';
import { storeName } from './plan';

/**
 * @throws FetchError `not-found`, or EngineError `model-invalid`: what the file is instead, or what it lacks.
 */
export async function singlePlan(
  listing: Listing,
  path: string,
  hubUrl: string,
  signal: AbortSignal,
): Promise<Plan | LoraFound> {
  const { repo, revision, commit, files, licence } = listing;
  const file = files.find((one) => one.path === path);
  if (!file) throw new FetchError('not-found', `There is no ${path} in this repository. Look it up again.`, path);
  const head = await lookAtHead({ url: fileUrl(hubUrl, repo, commit, path), size: file.size }, signal);
  const lora = head && (await loraFound(listing, file, hubUrl, head));
  if (lora) return lora;
  const unet = head && (await unetFound(head));
  const model = head && !unet ? await checkpointModel(path, head) : null;
  return {
    repo,
    revision,
    commit,
    hubUrl,
    roles: unet ? { unetAlone: path } : { checkpoint: path },
    files: [file],
    // One commit may be fetched several times, of each of its files.
    dir: `${storeName(repo, commit)}+${encodeURIComponent(path)}`,
    name: unet ? `UNet ${unetName(path, repo)}` : `${path.replace(/\.\w+$/, '')} (${repo})`,
    bytes: file.size,
    unetConfig: unet?.config ?? model?.weights.unetConfig ?? absent(UNET),
    graph: unet ? { ...NO_GLANCE, half: unet.half } : (model?.weights.graph ?? NO_GLANCE),
    what: unet?.what ?? model?.what ?? null,
    licence,
  };
}
