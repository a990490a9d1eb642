// The guidance options of PAG within their ranges, which are those of the systems that have them.

import type { PagOptions, PagRescale, PagWindow } from '../diffusion/options';
import { isInRange, type NumberRule } from './numbers';

export const PAG_RULES = {
  adaptive: { min: 0, max: 1, whole: false, step: 0.001, fallback: 0 },
  sigma: { min: -1, max: 10_000, whole: false, step: 0.1, fallback: -1 },
  step: { min: 0, max: 10_000, whole: true, step: 1, fallback: 0 },
  fraction: { min: 0, max: 1, whole: false, step: 0.05, fallback: 0 },
  attenuation: { min: 0, max: 100, whole: false, step: 1, fallback: 0 },
  identity: { min: 0, max: 1, whole: false, step: 0.05, fallback: 1 },
} as const satisfies Record<string, NumberRule>;

/** Where a window begins and ends, by whose semantics. */
export const WINDOW_RULES = {
  sigma: PAG_RULES.sigma,
  steps: PAG_RULES.step,
  guider: PAG_RULES.fraction,
  forge: PAG_RULES.fraction,
} as const satisfies Record<Exclude<PagWindow['semantics'], 'always'>, NumberRule>;

/** Far more self-attention sites than any UNet has. */
const MAX_SITES = 512;

/** A fresh object of known fields, or null: half of these options would be another formula. */
export function readPag(value: unknown): PagOptions | null {
  const from = asRecord(value);
  const { semantics, amount } = asRecord(from['adaptive']);
  const window = readWindow(asRecord(from['window']));
  const rescale = readRescale(asRecord(from['rescale']));
  const { attenuation, guidanceRescale, identity } = from;
  const sites = Object.entries(asRecord(from['siteIdentity']));
  if (semantics !== 'diffusers' && semantics !== 'pamparamm') return null;
  if (!window || !rescale || !isInRange(amount, PAG_RULES.adaptive)) return null;
  if (!isInRange(attenuation, PAG_RULES.attenuation) || !isInRange(guidanceRescale, PAG_RULES.fraction)) return null;
  if (!isInRange(identity, PAG_RULES.identity) || sites.length > MAX_SITES) return null;
  if (!sites.every(([name, u]) => /^[\w.]{1,120}$/.test(name) && isInRange(u, PAG_RULES.identity))) return null;
  const siteIdentity = Object.fromEntries(sites) as Record<string, number>;
  return { adaptive: { semantics, amount }, window, attenuation, rescale, guidanceRescale, identity, siteIdentity };
}

function readWindow({ semantics, start, stop }: Record<string, unknown>): PagWindow | null {
  if (semantics === 'always') return { semantics };
  if (semantics !== 'sigma' && semantics !== 'guider' && semantics !== 'forge' && semantics !== 'steps') return null;
  const rule = WINDOW_RULES[semantics];
  return isInRange(start, rule) && isInRange(stop, rule) ? { semantics, start, stop } : null;
}

function readRescale({ mode, amount }: Record<string, unknown>): PagRescale | null {
  if (mode === 'off' || mode === 'snf') return { mode };
  return (mode === 'full' || mode === 'partial') && isInRange(amount, PAG_RULES.fraction) ? { mode, amount } : null;
}

/** Its own properties, none where it is no object. */
export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
