// A network whose tensors lie in several .safetensors files: `<stem>.safetensors.index.json` says in which file each
// tensor lies, and their headers where in it.

import { parseJson } from '../configs/readJson';
import { SHARD_INDEX } from '../configs/networkConfigs';
import { EngineError } from '../protocol/errors';
import type { SafetensorsHeader, StoredTensor } from './safetensors';

/**
 * The files that an index names, each once.
 * @throws EngineError `model-invalid`.
 */
export function shardsOf(path: string, json: string): readonly string[] {
  return [...new Set(weightMap(path, json).values())];
}

/**
 * The headers of all shards as one.
 * @param path of the index, for messages.
 * @param headers by the file's name.
 * @throws EngineError `model-invalid` where index and headers do not agree.
 */
export function joinShards(
  path: string,
  json: string,
  headers: ReadonlyMap<string, SafetensorsHeader>,
): SafetensorsHeader {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, file] of weightMap(path, json)) {
    const tensor = headers.get(file)?.tensors.get(name);
    if (!tensor) throw disagree(path, `${name} is not in ${file}`);
    tensors.set(name, { ...tensor, shard: file });
  }
  for (const [file, header] of headers) {
    const stray = [...header.tensors.keys()].find((name) => tensors.get(name)?.shard !== file);
    if (stray !== undefined) throw disagree(path, `${stray} of ${file} is not in the index`);
  }
  const metadata = new Map([...headers.values()].flatMap((header) => [...header.metadata]));
  return { tensors, metadata };
}

function weightMap(path: string, json: string): Map<string, string> {
  const { weight_map: map } = parseJson(SHARD_INDEX, path, json);
  if (!map) throw disagree(path, 'no weight_map');
  return new Map(Object.entries(map));
}

function disagree(path: string, detail: string): EngineError {
  return new EngineError(
    'model-invalid',
    `${path} does not fit the files beside it: they may be of two versions. Fetch the model again.`,
    detail,
  );
}
