// The networks of a model in diffusers' layout that are .safetensors: what they are, from their headers and configs,
// and which files hold their weights.

import { readNetwork, type NetworkFile, type OpenHead } from '../checkpoints/networkFile';
import { refuseTask } from '../checkpoints/wholeModel';
import type { GraphGlance } from '../models/estimate';
import { sizeText } from '../models/preflight';
import { CONFIGS, GRAPHS, KINDS, storedPath, type Graph, type RolePaths } from '../models/roles';
import { isWeights, variantOf } from '../models/weightFiles';
import { FetchError } from './fetchError';

export interface Networks {
  /** By role, those that are .safetensors. */
  readonly files: ReadonlyMap<Graph, NetworkFile>;
  readonly unet: NetworkFile | null;
}

/** Where the files of a model are; `text` gives null for one that cannot be had. */
export interface ModelAt {
  readonly head: OpenHead;
  readonly text: (path: string) => Promise<string | null>;
}

/**
 * @param wanted the networks to look into.
 * @throws EngineError `model-invalid` that names the file and what is wrong with it; FetchError `layout` where a part
 * is missing that only the UNet tells of; or what `at` throws.
 */
export async function readNetworks(roles: RolePaths, wanted: readonly Graph[], at: ModelAt): Promise<Networks> {
  const files = new Map<Graph, NetworkFile>();
  for (const role of GRAPHS) {
    const [weights, path] = [roles[role], roles[CONFIGS[role]]];
    if (!wanted.includes(role) || weights === undefined || path === undefined || !isWeights(weights)) continue;
    const json = await at.text(path);
    if (json === null) continue;
    const network = await readNetwork({ kind: KINDS[role], weights, config: { path, json } }, at.head);
    refuseTask(network.checkpoint);
    files.set(role, network);
  }
  const unet = files.get('unet') ?? null;
  if (unet?.checkpoint.family?.base === 'sdxl' && !roles.textEncoder2)
    throw new FetchError(
      'layout',
      `This model lacks ${storedPath('textEncoder2')}: Stable Diffusion XL has two text encoders.`,
    );
  return { files, unet };
}

/** Of `scheduler_config.json`. */
interface Noise {
  readonly prediction_type?: string;
  readonly rescale_betas_zero_snr?: boolean;
}

/** "Stable Diffusion 1.x, f16, fp16 files, 2.1 GB"; null where the UNet is no .safetensors. */
export function networksText({ unet }: Networks, roles: RolePaths, bytes: number | null, scheduler: Noise) {
  if (!unet) return null;
  const variants = new Set(GRAPHS.flatMap((role) => (isWeights(roles[role] ?? '') ? variantOf(roles[role]!) : [])));
  variants.delete('');
  const { name, dtype } = unet.checkpoint;
  return modelText({
    parts: [name, dtype.toLowerCase(), ...[...variants].map((variant) => `${variant} files`)],
    bytes,
    velocity: scheduler.prediction_type === 'v_prediction',
    zeroTerminalSnr: scheduler.rescale_betas_zero_snr === true,
  });
}

interface Told {
  readonly parts: readonly string[];
  /** null where its size stands beside it. */
  readonly bytes: number | null;
  readonly velocity: boolean;
  readonly zeroTerminalSnr: boolean;
}

/** One line on what a model is. */
export function modelText({ parts, bytes, velocity, zeroTerminalSnr }: Told): string {
  return [
    ...parts,
    ...(bytes === null ? [] : [sizeText(bytes)]),
    ...(velocity ? ['v-prediction'] : []),
    ...(zeroTerminalSnr ? ['zero terminal SNR'] : []),
  ].join(', ');
}

/** What the UNet's header says for the verdict. */
export function networkGlance({ unet }: Networks): Pick<GraphGlance, 'half'> {
  return { half: unet && unet.checkpoint.dtype !== 'F32' };
}
