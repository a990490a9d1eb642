// Which sites a typed layer set names. Two notations, mixed freely in one comma list:
//   diffusers' pag_applied_layers   mid, down, up, down.block_1, up_blocks.0.attentions_1, a full module path
//   ComfyUI's unet_block_list       d2, m0, u0-2, u0-u2, d2.2-9 ([dmu]N[-M][.i[-j]], ranges inclusive)
// Names match at dots only: `blocks.1` is not `blocks.10`. A part that matches nothing is an error.

import { EngineError } from '../../protocol/errors';
import type { SiteName } from './names';

const COMFY = /^([dmu])(\d+)(?:-([dmu]?)(\d+))?(?:\.(\d+)(?:-(\d+))?)?$/;
const MAX_LENGTH = 4096;

/**
 * The named sites, in order of execution.
 * @throws EngineError `layers-not-found`; `detail` lists the sites that exist, one a line.
 */
export function selectSites<S extends SiteName>(layers: string, sites: readonly S[]): S[] {
  if (layers.length > MAX_LENGTH) throw notFound('That layer set is too long.', sites);
  const chosen = new Set<S>();
  const parts = layers.split(/[\s,[\]'"]+/).filter((part) => part !== '');
  if (parts.length === 0) throw notFound('No layers are named.', sites);
  for (const part of parts) {
    const matched = matchPart(part, sites);
    if (matched.length === 0)
      throw notFound(
        `No self-attention of this model matches “${part.length > 60 ? `${part.slice(0, 60)}…` : part}”.`,
        sites,
      );
    for (const site of matched) chosen.add(site);
  }
  return sites.filter((site) => chosen.has(site));
}

/**
 * Sites in ComfyUI's notation, as short as it goes: neighbours as ranges (`d0-3`, `d2.1-9`), and a block by its number
 * alone where `all` sites of the model are known and each of its layers is chosen.
 */
export function comfyList(
  chosen: readonly Pick<SiteName, 'comfyName'>[],
  all: readonly Pick<SiteName, 'comfyName'>[] = [],
): string {
  const own = byBlock(chosen);
  const whole = byBlock(all);
  const isWhole = (block: string) =>
    own.get(block)?.[0] === null || own.get(block)?.length === whole.get(block)?.length;
  const parts: string[] = [];
  for (const prefix of ['d', 'm', 'u']) {
    const blocks = [...own.keys()].filter((block) => block.startsWith(prefix));
    const numbers = blocks.filter(isWhole).map((block) => Number(block.slice(1)));
    const some = blocks
      .filter((block) => !isWhole(block))
      .flatMap((block) => ranges(own.get(block)?.map(Number) ?? []).map((layers) => `${block}.${layers}`));
    parts.push(...ranges(numbers).map((found) => `${prefix}${found}`), ...some);
  }
  return parts.join(',');
}

/** The `chosen` sites' names as a layer set: mid, down, up or all where it is just that, else in ComfyUI's notation. */
export function layersText(sites: readonly SiteName[], chosen: ReadonlySet<string>): string {
  const own = sites.filter((site) => chosen.has(site.name));
  const is = (wanted: readonly SiteName[]) =>
    wanted.length > 0 && wanted.length === own.length && wanted.every((site) => chosen.has(site.name));
  if (is(sites)) return 'all';
  for (const part of ['mid', 'down', 'up'] as const) if (is(sites.filter((site) => site.block === part))) return part;
  return comfyList(own, sites);
}

/** Layers by block, `d2` → [0, 1]; [null] where the block has one alone and its name says none. */
function byBlock(sites: readonly Pick<SiteName, 'comfyName'>[]): Map<string, (number | null)[]> {
  const blocks = new Map<string, (number | null)[]>();
  for (const { comfyName } of sites) {
    const [block = '', layer] = comfyName.split('.');
    blocks.set(block, [...(blocks.get(block) ?? []), layer === undefined ? null : Number(layer)]);
  }
  return blocks;
}

/** [0, 1, 2, 5] → ['0-2', '5']. */
function ranges(numbers: readonly number[]): string[] {
  const sorted = [...numbers].sort((a, b) => a - b);
  const starts = sorted.filter((number) => !sorted.includes(number - 1));
  const ends = sorted.filter((number) => !sorted.includes(number + 1));
  return starts.map((start, index) => (start === ends[index] ? String(start) : `${start}-${ends[index]}`));
}

function notFound(what: string, sites: readonly SiteName[]): EngineError {
  return new EngineError(
    'layers-not-found',
    `${what} Name layers of this model: mid, down, up, all, or any in the list.`,
    sites.map((site) => `${site.comfyName}  ${site.name}`).join('\n'),
  );
}

function matchPart<S extends SiteName>(part: string, sites: readonly S[]): S[] {
  if (part === 'all') return [...sites];
  if (part === 'mid' || part === 'down' || part === 'up') return sites.filter((site) => site.block === part);
  const comfy = COMFY.exec(part);
  if (comfy) return matchComfy(comfy, sites);
  const path = part
    .replace(/^(down|up)(?=\.|$)/, '$1_blocks')
    .replace(/^mid(?=\.|$)/, 'mid_block')
    .replace(/\bblock_(\d+)/g, '$1')
    .replace(/\b(attentions|transformer_blocks|down_blocks|up_blocks)_(\d+)/g, '$1.$2');
  return sites.filter((site) => site.name === path || site.name.startsWith(`${path}.`));
}

function matchComfy<S extends SiteName>(match: RegExpExecArray, sites: readonly S[]): S[] {
  const [, prefix = '', first = '', endPrefix, last, layer, lastLayer] = match;
  if (endPrefix && endPrefix !== prefix) return [];
  const wanted = range(first, last);
  const layers = layer === undefined ? null : range(layer, lastLayer);
  if (!wanted || (layer !== undefined && !layers)) return [];
  const inBlock = (block: number) =>
    sites.filter((site) => {
      const [, own = '', number = '', inner = '0'] = /^([dmu])(\d+)(?:\.(\d+))?$/.exec(site.comfyName) ?? [];
      return own === prefix && Number(number) === block && (layers === null || layers.includes(Number(inner)));
    });
  const found = wanted.map(inBlock);
  // Out of range anywhere is an error, as in ComfyUI: nothing is returned and the caller says so.
  const complete = found.every((block) => block.length > 0 && (layers === null || block.length === layers.length));
  return complete ? found.flat() : [];
}

/** Inclusive; null for a range that runs backwards or is absurdly long. */
function range(first: string, last: string | undefined): number[] | null {
  const [from, to] = [Number(first), Number(last ?? first)];
  if (to < from || to - from > 1000) return null;
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
