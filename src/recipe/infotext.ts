// A1111's infotext: prompt lines, `Negative prompt:` lines, and a last line of `Key: value` pairs with values that
// hold a comma, colon or line break in JSON quotes. PAG is in it under three sets of names:
//   pag_*    the advanced script for Forge (sd-perturbed-attention), with layers, adaptive scale, sigmas and rescale
//   pagi_*   Forge's built-in one: the mid block, attenuation, and a window in fractions of the run
//   PAG …    incantations: the mid block, a window in steps

import type { PagOptions } from '../diffusion/options';
import { MAX_PROMPT, RANGES, isNumber, rangeText, refusal, type NotRestored, type RecipeSettings, type Restored } from './recipe';
import { schedulerNamed, sigmasNamed } from './samplers';
import { unescapeFromA1111 } from './weighedText';

const PARAMETER = /\s*([\w][\w \-/]{0,78}):\s*("(?:\\.|[^\\"]){1,4096}"|[^,]{0,4096})(?:,|$)/g;
const MAX_INFOTEXT = 64 * 1024;
const PLAIN = { min: 0, max: 1 };

/** What the keys of the three sets mean; the rest of PAG's options are the paper's. */
const ADVANCED = {
  scale: 'pag_scale', adaptive: 'pag_adaptive_scale', rescale: 'pag_rescale', mode: 'pag_rescale_mode',
  block: 'pag_block', blockId: 'pag_block_id', list: 'pag_block_list', start: 'pag_sigma_start', stop: 'pag_sigma_end',
};

/** Settings from an infotext. Throws nothing; what Pagoda cannot do is in `notRestored`. */
export function parseInfotext(text: string, plain: PagOptions): Restored {
  const { prompt, negativePrompt, pairs } = split(text.slice(0, MAX_INFOTEXT));
  const settings: { -readonly [K in keyof RecipeSettings]?: RecipeSettings[K] } = {};
  const notRestored: NotRestored[] = [];
  const refuse = (name: string, why: string) => notRestored.push(refusal(name, pairs.get(name), why));
  for (const [key, written] of [['prompt', prompt], ['negativePrompt', negativePrompt]] as const) {
    const words = unescapeFromA1111(written);
    settings[key] = words.slice(0, MAX_PROMPT);
    if (words.length > MAX_PROMPT) notRestored.push(refusal(key, words.slice(MAX_PROMPT), `Prompts end after ${MAX_PROMPT} letters.`));
  }
  const used = new Set<string>();
  const take = (key: string) => {
    used.add(key);
    return pairs.get(key);
  };
  const number = (key: string, range: { min: number; max: number; whole?: boolean }): number | null => {
    const written = take(key);
    if (written === undefined) return null;
    const value = written === '' ? NaN : Number(written);
    if (isNumber(value, range)) return value;
    refuse(key, rangeText(range));
    return null;
  };
  for (const [key, field] of [['Steps', 'steps'], ['Seed', 'seed'], ['CFG scale', 'guidanceScale']] as const) {
    const value = number(key, RANGES[field]);
    if (value !== null) settings[field] = value;
  }

  const sampler = take('Sampler');
  const schedule = take('Schedule type');
  if (sampler !== undefined) {
    // Before version 1.9 the schedule was the last word of the sampler: "DPM++ 2M Karras".
    const old = /^(.*) (Karras|Exponential)$/.exec(sampler);
    const scheduler = schedulerNamed(old?.[1] ?? sampler, 'a1111');
    if (scheduler) settings.scheduler = scheduler;
    else refuse('Sampler', 'Pagoda has no sampler of this name.');
    const sigmas = sigmasNamed(schedule ?? old?.[2] ?? 'Automatic', 'a1111');
    if (sigmas) settings.sigmas = sigmas;
    else refuse('Schedule type', 'Pagoda has no sigmas of this name.');
  }

  if (take('pag_enabled') !== undefined) advanced();
  else if (take('pagi_enabled') !== undefined) builtIn();
  else if (take('PAG Active') !== undefined) incantations();
  else settings.pagScale = 0;

  function advanced(): void {
    settings.pagScale = number(ADVANCED.scale, RANGES.pagScale) ?? 3;
    const amount = number(ADVANCED.rescale, PLAIN) ?? 0;
    const mode = take(ADVANCED.mode) ?? 'full';
    const range = { min: -1, max: 10_000 };
    const [start, stop] = [number(ADVANCED.start, range) ?? -1, number(ADVANCED.stop, range) ?? -1];
    if (mode !== 'full' && mode !== 'partial' && mode !== 'snf') refuse(ADVANCED.mode, 'It is not full, partial or snf.');
    settings.pag = {
      ...plain,
      adaptive: { semantics: 'pamparamm', amount: number(ADVANCED.adaptive, PLAIN) ?? 0 },
      window: start < 0 && stop < 0 ? { semantics: 'always' } : { semantics: 'sigma', start, stop },
      rescale: mode === 'snf' ? { mode } : amount > 0 && (mode === 'full' || mode === 'partial') ? { mode, amount } : { mode: 'off' },
    };
    const [list, block, id] = [take(ADVANCED.list), take(ADVANCED.block) ?? 'middle', take(ADVANCED.blockId) ?? '0'];
    if (list !== undefined && list !== '') settings.layers = list.slice(0, 4096);
    else if (block === 'middle' && id === '0') settings.layers = 'mid';
    else refuse(ADVANCED.block, 'A block number counts all blocks of one U-Net; choose the layers by name.');
  }

  function builtIn(): void {
    settings.pagScale = number('pagi_scale', RANGES.pagScale) ?? 3;
    settings.layers = 'mid';
    const [start, stop] = [number('pagi_start_step', PLAIN) ?? 0, number('pagi_end_step', PLAIN) ?? 1];
    settings.pag = {
      ...plain,
      attenuation: number('pagi_attenuation', { min: 0, max: 100 }) ?? 0,
      window: start === 0 && stop === 1 ? { semantics: 'always' } : { semantics: 'forge', start, stop },
    };
  }

  function incantations(): void {
    settings.pagScale = number('PAG Scale', RANGES.pagScale) ?? 0;
    settings.layers = 'mid';
    const whole = { min: 0, max: 10_000, whole: true };
    const [start, stop] = [number('PAG Start Step', whole) ?? 0, number('PAG End Step', whole) ?? 150];
    const last = (settings.steps ?? 20) - 1;
    const isWholeRun = start === 0 && stop >= last;
    settings.pag = {
      ...plain,
      window: isWholeRun ? { semantics: 'always' } : { semantics: 'steps', start, stop },
      rescale: take('PAG SANF') === 'True' ? { mode: 'snf' } : { mode: 'off' },
    };
  }

  const model = take('Model');
  take('Version');
  // A1111's `RNG: CPU` is Pagoda's noise; another source gives another picture from the same seed.
  if (pairs.get('RNG') === 'CPU') take('RNG');
  for (const key of pairs.keys()) {
    if (!used.has(key)) refuse(key, key === 'Size' ? 'Pictures have the size that the model was exported for.' : 'Pagoda has no such setting.');
  }
  return { settings, model: model ? { id: model.slice(0, 200), revision: null } : null, notRestored };
}

function split(text: string): { prompt: string; negativePrompt: string; pairs: Map<string, string> } {
  const lines = text.trim().split('\n').map((line) => line.trim());
  const found = [...(lines.at(-1) ?? '').matchAll(PARAMETER)];
  // As A1111 decides it: fewer than three pairs are still prompt.
  if (found.length >= 3) lines.pop();
  const pairs = new Map<string, string>();
  for (const [, key = '', value = ''] of found.length >= 3 ? found.slice(0, 256) : []) pairs.set(key, unquote(value.trim()));
  const at = lines.findIndex((line) => line.startsWith('Negative prompt:'));
  const prompt = (at < 0 ? lines : lines.slice(0, at)).join('\n');
  const negativePrompt = at < 0 ? '' : lines.slice(at).join('\n').slice('Negative prompt:'.length).trim();
  return { prompt, negativePrompt, pairs };
}

function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    const text: unknown = JSON.parse(value);
    return typeof text === 'string' ? text : value;
  } catch {
    return value;
  }
}
