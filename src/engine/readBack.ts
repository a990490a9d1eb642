// Several tensors read back at once, by name.

import type { Backend, DeviceTensor } from './backend';

/**
 * Where nothing is asked for, nothing is read. The tensors may be disposed of as soon as this has returned its promise.
 * @returns values by name; null of what was not asked for.
 */
export async function readBack<Name extends string>(
  backend: Backend,
  tensors: Readonly<Record<Name, DeviceTensor>>,
  asked: Readonly<Record<Name, boolean>>,
): Promise<Record<Name, Float32Array | null>> {
  const names = (Object.keys(tensors) as Name[]).filter((name) => asked[name]);
  const values = names.length > 0 ? await backend.readAll(names.map((name) => tensors[name])) : [];
  const read = Object.fromEntries(Object.keys(tensors).map((name) => [name, null])) as Record<
    Name,
    Float32Array | null
  >;
  for (const [at, name] of names.entries()) read[name] = values[at]!;
  return read;
}
