// Kinds of axes: a number or a choice of the settings, a number of PAG's options. An axis reads its values in A1111's
// grammar and gives for each the settings with it.

import type { PagOptions } from '../diffusion/options';
import { FIELDS, labelOf, readField, type ChoiceName, type NumberField, type Settings } from '../settings/fields';
import { isInRange, rangeText, type NumberRule } from '../settings/numbers';
import { listItems, numbersOf } from './axisValues';

export interface AxisValue {
  /** As the grid shows it. */
  readonly label: string;
  readonly settings: (base: Settings) => Settings;
}

export interface Axis {
  readonly label: string;
  /** A1111's name of it, where it has one: grids carry it. */
  readonly a1111?: string;
  /** What may be typed. */
  readonly example: string;
  readonly cost: 0 | 1 | 2 | 3;
  /** The image without PAG is the same whatever stands here. */
  readonly ofPag: boolean;
  /** Without which every cell would be the same. */
  readonly needs?: 'start image' | 'mask';
  /** @throws Error with a sentence for people */
  readonly read: (text: string, base: Settings) => AxisValue[];
}

type Told = Pick<Axis, 'label' | 'example' | 'cost' | 'a1111' | 'needs'>;
type NumberName = { [K in keyof Settings]: (typeof FIELDS)[K] extends NumberField ? K : never }[keyof Settings];

export function numberAxis(name: NumberName, told: Told): Axis {
  const { ofPag, whole } = FIELDS[name];
  return { ...told, ofPag, read: (text) => readNumbers(text, whole).map((value) => set(shown(value), name, value)) };
}

/** Chosen by label or by name, whatever the case. */
export function choiceAxis(name: ChoiceName, told: Told): Axis {
  const all = Object.keys(FIELDS[name].choices);
  const find = (item: string) =>
    all.find((choice) => [choice, labelOf(name, choice)].some((one) => one.toLowerCase() === item.toLowerCase()));
  return {
    ...told,
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

/**
 * Of PAG's options: which have another rule or form by what else they say.
 * @param ofPag false: it is of the picture without PAG too
 */
export function pagAxis(
  told: Told,
  rule: (pag: PagOptions) => NumberRule,
  options: (pag: PagOptions, value: number) => PagOptions,
  ofPag = true,
): Axis {
  return {
    ...told,
    ofPag,
    read: (text, { pag }) =>
      readNumbers(text, rule(pag).whole).map((value) => {
        if (!isInRange(value, rule(pag))) throw new Error(`${shown(value)}: ${rangeText(rule(pag))}`);
        return { label: shown(value), settings: (base) => ({ ...base, pag: options(base.pag, value) }) };
      }),
  };
}

/** The settings with one field changed. @throws Error where it may not hold the value */
export function set<K extends keyof Settings>(label: string, name: K, given: Settings[K]): AxisValue {
  const { value, why } = readField(name, given);
  if (value === null) throw new Error(`${label}: ${why}`);
  return { label, settings: (base) => ({ ...base, [name]: value }) };
}

export function readNumbers(text: string, whole: boolean): number[] {
  return items(text).flatMap((item) => {
    const values = numbersOf(item, whole);
    if (values === null) throw new Error(`“${item}” is ${whole ? 'no whole number' : 'no number'} and no range.`);
    return values;
  });
}

export function items(text: string): string[] {
  const found = listItems(text);
  if (found.length === 0) throw new Error('Values are missing.');
  return found;
}

export function shown(value: number): string {
  return String(Math.round(value * 1e8) / 1e8);
}
