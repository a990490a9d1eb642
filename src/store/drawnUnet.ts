// The UNet as the drawing shows it: the model's own blocks from its sites' names, and what a choice of layers makes
// of each self-attention.

import { selectSites } from '../onnx/sites/layers';
import type { ModelInfo, SiteInfo } from '../protocol/loaded';

export { rowGuidance } from '../diffusion/guidance';
export { layersText } from '../onnx/sites/layers';

export type SiteRole =
  /** Its map is replaced by the identity in the perturbed row. */
  | 'perturbed'
  /** Before the first perturbed one: one row serves both predictions. */
  | 'shared'
  /** Behind it: the perturbed row must run it for itself. */
  | 'repeated';

export interface DrawnSite {
  readonly site: SiteInfo;
  readonly role: SiteRole;
}

export interface DrawnBlock {
  /** diffusers' name, e.g. `down_blocks.1`. */
  readonly name: string;
  /** Tokens of its self-attentions; null where it has none, or the graph does not tell. */
  readonly tokens: number | null;
  readonly sites: readonly DrawnSite[];
}

export interface UnetDrawing {
  /** From full resolution down; `up` is the block of the same resolution. */
  readonly levels: readonly { readonly down: DrawnBlock; readonly up: DrawnBlock }[];
  readonly mid: DrawnBlock;
  /** Part of a forward that the perturbed row runs for itself; 0 where nothing is perturbed, null where not known. */
  readonly share: number | null;
  readonly perturbed: number;
}

/** @param chosen the perturbed sites' names. */
export function drawUnet(
  { sites, levels }: Pick<ModelInfo, 'sites' | 'levels'>,
  chosen: ReadonlySet<string>,
): UnetDrawing {
  const first = sites.findIndex((site) => chosen.has(site.name));
  const drawn = sites.map((site, index): DrawnSite => {
    if (chosen.has(site.name)) return { site, role: 'perturbed' };
    return { site, role: first >= 0 && index > first ? 'repeated' : 'shared' };
  });
  const block = (name: string): DrawnBlock => {
    const own = drawn.filter(({ site }) => site.name.startsWith(`${name}.`));
    return { name, tokens: own[0]?.site.tokens ?? null, sites: own };
  };
  const named = sites.map(({ name }) => Number(/^(?:down|up)_blocks\.(\d+)\./.exec(name)?.[1] ?? 0));
  const count = Math.max(levels, ...named.map((index) => index + 1));
  return {
    levels: Array.from({ length: count }, (_, level) => ({
      down: block(`down_blocks.${level}`),
      up: block(`up_blocks.${count - 1 - level}`),
    })),
    mid: block('mid_block'),
    share: first < 0 ? 0 : (sites[first]?.share ?? null),
    perturbed: chosen.size,
  };
}

/** The sites that a typed layer set names; the sentence of the error where it names none. */
export function chosenSites(layers: string, sites: readonly SiteInfo[]): ReadonlySet<string> | string {
  try {
    return new Set(selectSites(layers, sites).map((site) => site.name));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Part of a forward that the perturbed row runs for itself with these layers; null where it is not known. */
export function shareOf(model: Pick<ModelInfo, 'sites' | 'levels'>, layers: string): number | null {
  const chosen = chosenSites(layers, model.sites);
  return typeof chosen === 'string' ? null : drawUnet(model, chosen).share;
}
