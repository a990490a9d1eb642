// The recipe of a run: what it was really made of, taken from the run itself and not from the form, which may have
// changed since.

import type { RunStats } from '../protocol/events';
import type { DeviceInfo, ModelInfo } from '../protocol/loaded';
import type { Pair } from '../protocol/pictureData';
import type { Settings } from '../settings/fields';
import { pictureSize } from '../settings/pictureSize';
import { imageSeed } from '../settings/seeds';
import { isPart, makeRecipe, type Recipe } from '../recipe/recipe';
import type { RunEmbedding, RunLora } from './job';
import type { Choice } from './choice';

declare const __APP_VERSION__: string;
declare const __LIBRARY_VERSIONS__: Readonly<Record<string, string>>;

/**
 * What a recipe says of the model that is chosen: a repository and commit, where it came from the hub, and its path
 * there where it is one file of several.
 */
export function recipeModel({ name, ref, origin, vae, unet }: Choice): Recipe['model'] {
  if (vae) return { ...recipeModel(vae.own), vae: vae.name, ...(vae.tiny && { tinyVae: true }) };
  if (unet) return { ...recipeModel(unet.base), unet: unet.name };
  if (origin) {
    const { repo, commit, file } = origin;
    const revision = commit === '' ? null : commit;
    return file === undefined ? { id: repo, revision } : { id: `${repo}/${file}`, revision, singleFile: true };
  }
  const id = ref.kind === 'url' ? ref.id : name;
  return { id, revision: null, ...(ref.kind === 'file' && { singleFile: true }) };
}

/** `model` and `info` are the same model, in the words of recipes and of the engine. */
export interface FinishedRun {
  readonly loras?: readonly RunLora[];
  readonly embeddings?: readonly RunEmbedding[];
  readonly start?: string;
  readonly mask?: string;
  readonly model: Recipe['model'];
  readonly settings: Settings;
  readonly pair: Pair;
  readonly stats: RunStats;
  readonly device: DeviceInfo;
  readonly info: ModelInfo;
  /** Which of how many; absent: the only one. */
  readonly image?: number;
  readonly images?: number;
}

export function runRecipe(run: FinishedRun): Recipe {
  const { model, settings, start, mask, loras = [], embeddings = [], pair, stats, device, info } = run;
  const { image = 0, images = 1 } = run;
  const sites = info.sites.filter((site) => stats.perturbedSites.includes(site.name));
  // Those that changed a weight of this model.
  const merged = loras.filter(({ id, weight }) => weight !== 0 && (info.loras?.[id]?.used ?? 0) > 0);
  const spoken = embeddings.filter(({ id }) => info.embeddings?.includes(id));
  const size = { width: pair.withPag.width, height: pair.withPag.height };
  // What is made around a mask alone is pasted into the start image, whose size the picture has then.
  const { width, height } = isPart(run) ? pictureSize(settings, info.sizes) : size;
  return makeRecipe({
    appVersion: __APP_VERSION__,
    model,
    // What the text encoder could not do it did not do; another model has another size of its own.
    settings: {
      ...settings,
      width,
      height,
      seed: imageSeed(settings.seed, image),
      clipSkip: Math.min(settings.clipSkip, info.mostClipSkip),
    },
    size,
    sites: sites.map(({ name, comfyName }) => ({ name, comfyName })),
    scheduler: info.scheduler,
    guidanceEmbedded: info.guidanceEmbedded,
    ...(stats.text && stats.text.chunks > 1 && { chunks: stats.text.chunks }),
    ...(stats.text?.isCut && { isCut: true }),
    ...(info.readsPenultimate && { readsPenultimate: true }),
    ...(info.sdxl && { sdxl: true }),
    ...(merged.length > 0 && { loras: merged.map(({ name, weight, hash }) => ({ name, weight, hash })) }),
    ...(spoken.length > 0 && { embeddings: spoken.map(({ name }) => name) }),
    ...(start !== undefined && { start }),
    ...(mask !== undefined && { mask }),
    ...(images > 1 && { batch: { size: images, position: image } }),
    backend: device.backend,
    adapter: device.adapter,
    versions: __LIBRARY_VERSIONS__,
  });
}
