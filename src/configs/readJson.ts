// The one way in which JSON of a model becomes values: its size is bounded, its text parsed, its fields checked. What
// is wrong is said with the file's name and the field's. The page, the worker that fetches and the engine all read so.

import * as v from 'valibot';
import { EngineError } from '../protocol/errors';

export type Schema<T> = v.GenericSchema<unknown, T>;

/** Bytes. No config of a model is nearly as large; vocabularies are. */
export const CONFIG_LIMIT = 1024 * 1024;
export const VOCABULARY_LIMIT = 64 * 1024 * 1024;

/** @throws EngineError `model-invalid` that names `path`, the field and what is wrong with it. */
export function parseJson<T>(schema: Schema<T>, path: string, json: string): T {
  return check(schema, `${path} of the model`, parsed(path, json));
}

/** @throws EngineError `model-invalid` that names `what`, the field and what is wrong with it. */
export function check<T>(schema: Schema<T>, what: string, value: unknown): T {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [{ message, path: steps = [] }] = result.issues;
  const field = steps
    .map(({ key }, at) => (typeof key === 'number' ? `[${key}]` : `${at > 0 ? '.' : ''}${String(key).slice(0, 80)}`))
    .join('');
  const fault = `${field || 'it'} ${message}`;
  throw new EngineError(
    'model-invalid',
    `${what} cannot be used: ${fault}. Choose another model.`,
    `${what}: ${fault}`,
  );
}

/** What a config that is not there says: nothing. */
export function absent<T>(schema: Schema<T>): T {
  return v.parse(schema, {});
}

/** @throws EngineError as `parseJson`, or what reading the Blob throws. */
export async function readJson<T>(schema: Schema<T>, path: string, file: Blob, limit = CONFIG_LIMIT): Promise<T> {
  return parseJson(schema, path, await readText(path, file, limit));
}

/** @throws EngineError `model-invalid` for a file that no model can need. */
export function readText(path: string, file: Blob, limit: number): Promise<string> {
  if (file.size <= limit) return file.text();
  throw new EngineError(
    'model-invalid',
    `${path} of the model is far too large to be what its name says. Choose another model.`,
    `${file.size} bytes, at most ${limit}`,
  );
}

function parsed(path: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    try {
      return JSON.parse(fromPython(json));
    } catch (cause) {
      throw new EngineError(
        'model-invalid',
        `${path} of the model is not readable. Fetch the model again, or choose another.`,
        json.slice(0, 200),
        { cause },
      );
    }
  }
}

/** Python writes infinite numbers as such (`"lambda_min_clipped": -Infinity`), which JSON does not have. */
function fromPython(json: string): string {
  return json.replace(
    /"(?:[^"\\]|\\.)*"|\bInfinity\b|\bNaN\b/g,
    (found) => ({ Infinity: '1e999', NaN: 'null' })[found] ?? found,
  );
}
