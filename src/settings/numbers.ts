// What a number field may hold, and how what was read is corrected so that one can see it.

import { readNumber } from './readNumber';

export interface NumberRule {
  readonly min: number;
  readonly max: number;
  /** Whole numbers only. */
  readonly whole: boolean;
  /** One press of an arrow key. */
  readonly step: number;
  /** Only whole numbers that are multiples of it, as the ends of the range are too. */
  readonly multiple?: number;
  /** What stands in for something that is no number. */
  readonly fallback: number;
}

/** Whether a value can stand as it is. */
export function isInRange(
  value: unknown,
  { min, max, whole }: Pick<NumberRule, 'min' | 'max' | 'whole'>,
): value is number {
  return typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value));
}

export function rangeText({ min, max, whole }: Pick<NumberRule, 'min' | 'max' | 'whole'>): string {
  return `A ${whole ? 'whole ' : ''}number from ${min} to ${max} is needed.`;
}

export interface Correction {
  readonly value: number;
  /** Says what was changed and why; null where nothing was. */
  readonly note: string | null;
}

/** Reads what was typed, in the ways that people write numbers. What could mean two numbers is noted. */
export function correctNumber(text: string, rule: NumberRule): Correction {
  const { value: typed, doubtful } = readNumber(text, rule.whole);
  const corrected = correctValue(typed, rule);
  return corrected.note === null && doubtful ? { ...corrected, note: `Read as ${corrected.value}.` } : corrected;
}

/** @param typed NaN where it was no number. */
export function correctValue(typed: number, rule: NumberRule): Correction {
  const kind = rule.multiple ? `Multiples of ${rule.multiple} from ` : rule.whole ? 'Whole numbers from ' : '';
  const range = `${kind}${rule.min} to ${rule.max}`;
  if (Number.isNaN(typed)) return { value: rule.fallback, note: `${range}: set to ${rule.fallback}.` };
  const value = clean(Math.min(rule.max, Math.max(rule.min, typed)), rule);
  return { value, note: value === typed ? null : `${range}: set to ${value}.` };
}

/** Rounds to whole numbers, to multiples, or to three decimals: more is noise. */
function clean(value: number, rule: NumberRule): number {
  if (rule.multiple) return rule.multiple * Math.round(value / rule.multiple);
  return rule.whole ? Math.round(value) : Math.round(value * 1000) / 1000;
}

/** A value moved by `presses` arrow presses, kept in range. */
export function stepNumber(value: number, presses: number, rule: NumberRule): number {
  return clean(Math.min(rule.max, Math.max(rule.min, value + presses * rule.step)), rule);
}
