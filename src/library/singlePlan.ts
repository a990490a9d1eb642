// One file of a repository that holds a whole model in it, as what would be fetched. Its header tells all that a folder
// says in configs, and refuses what is no whole model before anything is fetched; a LoRA is told as one.

import { absent } from '../configs/readJson';
import { UNET } from '../configs/schemas';
import { NO_GLANCE } from '../models/estimate';
import { checkpointModel } from './checkpointFile';
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
  const model = head && (await checkpointModel(path, head));
  return {
    repo,
    revision,
    commit,
    hubUrl,
    roles: { checkpoint: path },
    files: [file],
    // One commit may be fetched several times, of each of its files.
    dir: `${storeName(repo, commit)}+${encodeURIComponent(path)}`,
    name: `${path.replace(/\.\w+$/, '')} (${repo})`,
    bytes: file.size,
    unetConfig: model?.weights.unetConfig ?? absent(UNET),
    graph: model?.weights.graph ?? NO_GLANCE,
    what: model?.what ?? null,
    licence,
  };
}
