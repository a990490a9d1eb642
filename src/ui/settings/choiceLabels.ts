// What the choices of a setting are called, as a list of options takes them.

import { FIELDS, type ChoiceName, type Settings } from '../../settings/fields';

export function choiceLabels<K extends ChoiceName>(choice: K): Readonly<Record<Settings[K], string>> {
  const named = Object.entries(FIELDS[choice].choices).map(([key, { label }]) => [key, label]);
  return Object.fromEntries(named) as Record<Settings[K], string>;
}
