// What a field of a model's JSON may hold, as schemas of valibot that say in words what is wrong. Numbers may be
// written as strings, since some exporters do so; every number and every list has a bound, so that no file decides
// how long the page works or how much memory it takes. A field that is null is an absent one.

import * as v from 'valibot';

export const whole = (low: number, high: number) =>
  number(
    (value) => Number.isInteger(value) && value >= low && value <= high,
    `must be a whole number from ${low} to ${high}`,
  );

export const real = (low = -1e9, high = 1e9) =>
  number((value) => value >= low && value <= high, `must be a number from ${low} to ${high}`);

export const text = v.pipe(v.string(not('must be a text')), v.maxLength(1000, 'is a text of more than 1000 letters'));

export const flag = v.boolean(not('must be true or false'));

export function list<T>(item: v.GenericSchema<unknown, T>, most: number) {
  return v.pipe(
    v.array(v.unknown(), not('must be a list')),
    v.maxLength(most, ({ input }) => `has ${input.length} entries; at most ${most} are possible`),
    v.array(item),
  );
}

/** Values by name, such as a vocabulary. */
export function table<T>(value: v.GenericSchema<unknown, T>, most: number) {
  return v.pipe(
    v.custom<object>(isRecord, not('must be an object')),
    v.check((input) => Object.keys(input).length <= most, `has more than ${most} entries`),
    v.record(v.string(), value),
  );
}

/** The fields of a config that are read; all others are left out, and so is what is null. */
export function config<E extends Readonly<Record<string, v.GenericSchema<unknown, unknown>>>>(entries: E) {
  const absent = Object.fromEntries(Object.entries(entries).map(([name, schema]) => [name, v.exactOptional(schema)]));
  return v.pipe(
    v.custom<object>(isRecord, not('must be an object')),
    v.transform((input) => Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null))),
    v.object(absent as { [K in keyof E]: v.ExactOptionalSchema<E[K], undefined> }),
  );
}

/** For an object in which null, which elsewhere stands for what is absent, is a value of its own. */
export function nullAs(name: string, value: string) {
  return v.pipe(
    v.unknown(),
    v.transform((input) => (isRecord(input) && input[name] === null ? { ...input, [name]: value } : input)),
  );
}

/** A sentence's end that tells what was found instead. */
export function not(wanted: string): (issue: v.BaseIssue<unknown>) => string {
  return ({ input }) => `${wanted}, not ${shown(input)}`;
}

function number(fits: (value: number) => boolean, wanted: string) {
  return v.pipe(
    v.unknown(),
    v.transform((input) =>
      typeof input === 'string' && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(input) ? Number(input) : input,
    ),
    v.custom<number>((value) => typeof value === 'number' && fits(value), not(wanted)),
  );
}

function isRecord(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

function shown(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object' && input !== null) return 'an object';
  return String(typeof input === 'string' ? `“${input.slice(0, 60)}”` : input);
}
