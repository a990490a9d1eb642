// What a series may go over, one row an axis: how its values are read, and the settings with one of them. `cost` says
// what another value asks of the engine (3 other sessions, 2 the text anew, 1 another schedule, 0 nothing): the dearest
// runs outermost.

import { labelOf, readField, type ChoiceName, type Settings } from '../settings/fields';
import { FIELDS } from '../settings/fields';
import { listItems, numbersOf } from './axisValues';

export interface AxisValue {
  /** As the grid shows it. */
  readonly label: string;
  readonly settings: (base: Settings) => Settings;
}

export interface Axis {
  readonly label: string;
  /** What may be typed. */
  readonly example: string;
  readonly cost: 0 | 1 | 2 | 3;
  /** The image without PAG is the same whatever stands here. */
  readonly ofPag: boolean;
  /** @throws Error with a sentence for people */
  readonly read: (text: string, base: Settings) => AxisValue[];
}

type NumberName = 'pagScale' | 'guidanceScale' | 'steps' | 'seed' | 'clipSkip';

export const AXES = {
  pagScale: numbers('pagScale', 'PAG scale', '0, 1.5, 3 or 0-6 [4]', 0),
  layers: {
    label: 'Layers',
    example: 'mid, down, up or "d0,m0", mid',
    cost: 3,
    ofPag: true,
    read: (text) => items(text).map((layers) => set(layers, 'layers', layers)),
  },
  identity: {
    label: 'Perturbation u',
    example: '0.25, 0.5, 1',
    cost: 0,
    ofPag: true,
    read: (text) =>
      readNumbers(text, false).map((identity) => {
        if (identity < 0 || identity > 1) throw new Error(`${identity}: a number from 0 to 1 is needed.`);
        return {
          label: shown(identity),
          settings: (base) => ({ ...base, pag: { ...base.pag, identity, siteIdentity: {} } }),
        };
      }),
  },
  guidanceScale: numbers('guidanceScale', 'CFG scale', '1-7 [4]', 0),
  seed: numbers('seed', 'Seed', '1-4', 1),
  steps: numbers('steps', 'Steps', '10, 20, 40', 1),
  scheduler: choices('scheduler', 'Scheduler', 'DDIM, Euler'),
  sigmas: choices('sigmas', 'Sigmas', 'Karras, Exponential'),
  size: {
    label: 'Size',
    example: '512x512, 512x768',
    cost: 3,
    ofPag: false,
    read: (text) =>
      items(text).map((item) => {
        const [, width, height] = /^(\d+)\s*[x×*]\s*(\d+)$/i.exec(item) ?? [];
        if (width === undefined) throw new Error(`“${item}” is no size: write width x height, as in 512x768.`);
        const [wide, high] = [set(item, 'width', Number(width)), set(item, 'height', Number(height))];
        return { label: `${width}×${height}`, settings: (base) => high.settings(wide.settings(base)) };
      }),
  },
  clipSkip: numbers('clipSkip', 'Clip skip', '1-2', 2),
  words: {
    label: 'Words of the prompt',
    example: 'cat, dog, owl: the first is found, each takes its place',
    cost: 2,
    ofPag: false,
    read: (text, { prompt, negativePrompt }) => {
      const [sought, ...others] = items(text);
      if (sought === undefined) return [];
      if (!prompt.includes(sought) && !negativePrompt.includes(sought))
        throw new Error(`“${sought}” is in neither prompt: the first of the words is the one to be replaced.`);
      return [sought, ...others].map((word) => ({
        label: word,
        settings: (base) => ({
          ...base,
          prompt: base.prompt.replaceAll(sought, () => word),
          negativePrompt: base.negativePrompt.replaceAll(sought, () => word),
        }),
      }));
    },
  },
} as const satisfies Record<string, Axis>;

export type AxisName = keyof typeof AXES;

export function isAxisName(name: unknown): name is AxisName {
  return typeof name === 'string' && Object.hasOwn(AXES, name);
}

function numbers(name: NumberName, label: string, example: string, cost: Axis['cost']): Axis {
  return {
    label,
    example,
    cost,
    ofPag: FIELDS[name].ofPag,
    read: (text) => readNumbers(text, FIELDS[name].whole).map((value) => set(shown(value), name, value)),
  };
}

/** Chosen by label or by name, whatever the case. */
function choices(name: ChoiceName & ('scheduler' | 'sigmas'), label: string, example: string): Axis {
  const all = Object.keys(FIELDS[name].choices);
  const find = (item: string) =>
    all.find((choice) => [choice, labelOf(name, choice)].some((one) => one.toLowerCase() === item.toLowerCase()));
  return {
    label,
    example,
    cost: 1,
    ofPag: false,
    read: (text) =>
      items(text).map((item) => {
        const choice = find(item);
        const known = all.map((one) => labelOf(name, one)).join(', ');
        if (choice === undefined) throw new Error(`“${item}” is not one of ${known}.`);
        return set(labelOf(name, choice), name, choice as Settings[typeof name]);
      }),
  };
}

/** The settings with one field changed. @throws Error where it may not hold the value */
function set<K extends keyof Settings>(label: string, name: K, given: Settings[K]): AxisValue {
  const { value, why } = readField(name, given);
  if (value === null) throw new Error(`${label}: ${why}`);
  return { label, settings: (base) => ({ ...base, [name]: value }) };
}

function readNumbers(text: string, whole: boolean): number[] {
  return items(text).flatMap((item) => {
    const values = numbersOf(item, whole);
    if (values === null) throw new Error(`“${item}” is ${whole ? 'no whole number' : 'no number'} and no range.`);
    return values;
  });
}

function items(text: string): string[] {
  const found = listItems(text);
  if (found.length === 0) throw new Error('Values are missing.');
  return found;
}

function shown(value: number): string {
  return String(Math.round(value * 1e8) / 1e8);
}
