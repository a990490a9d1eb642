// The settings slice: what the next run will be made of. Kept in localStorage and read back field by field, so
// that old or damaged data never costs more than the field it is in.

import { POCKET } from '../models/catalog';
import type { SchedulerId, Settings } from '../protocol/messages';
import { RULES, correctNumber } from './numbers';

export const SCHEDULERS: Readonly<Record<SchedulerId, string>> = { ddim: 'DDIM', euler: 'Euler', 'dpmpp-2m': 'DPM++ 2M' };

export const DEFAULTS: Settings = { ...POCKET.defaults, negativePrompt: '', seed: 7, compare: true, backend: 'auto' };

/** Prompts to click. */
export const IDEAS: readonly string[] = POCKET.ideas;

const KEY = 'pagoda.settings';
const MAX_PROMPT = 2000;

/** Settings from anything that was stored; what is missing or wrong takes its default. */
export function readSettings(stored: unknown): Settings {
  const from = (typeof stored === 'object' && stored !== null ? stored : {}) as Record<string, unknown>;
  const text = (key: 'prompt' | 'negativePrompt' | 'layers') => {
    const value = from[key];
    return typeof value === 'string' ? value.slice(0, MAX_PROMPT) : DEFAULTS[key];
  };
  const number = (key: keyof typeof RULES) => {
    const value = from[key];
    return typeof value === 'number' && !Number.isNaN(value) ? correctNumber(String(value), RULES[key]).value : DEFAULTS[key];
  };
  const flag = (key: 'karras' | 'compare') => {
    const value = from[key];
    return typeof value === 'boolean' ? value : DEFAULTS[key];
  };
  const scheduler = from['scheduler'];
  return {
    prompt: text('prompt'),
    negativePrompt: text('negativePrompt'),
    layers: text('layers'),
    seed: number('seed'),
    steps: number('steps'),
    guidanceScale: number('guidanceScale'),
    pagScale: number('pagScale'),
    scheduler: typeof scheduler === 'string' && Object.hasOwn(SCHEDULERS, scheduler) ? (scheduler as SchedulerId) : DEFAULTS.scheduler,
    karras: flag('karras'),
    compare: flag('compare'),
    backend: from['backend'] === 'wasm' ? 'wasm' : 'auto',
  };
}

export function loadSettings(): Settings {
  try {
    return readSettings(JSON.parse(localStorage.getItem(KEY) ?? '{}'));
  } catch {
    return DEFAULTS;
  }
}

/** Storage may be full or forbidden: the page works without. */
export function saveSettings(settings: Settings): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    return;
  }
}
