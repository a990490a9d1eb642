// Weights that lie in files beside the graph give the same session as weights inside it, and a graph that names
// files which are not there is refused.

import { openAsBlob, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CpuBackend } from './cpuBackend';
import type { OpenFile } from './modelFiles';
import { OnnxFile } from './onnxFile';
import { PromptTextEncoder } from './textEncoder';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';

const backend = new CpuBackend(await loadNodeRuntime());
const json = (path: string) =>
  JSON.parse(readFileSync(`fixtures/engine/sdxl/${path}`, 'utf8')) as Record<string, unknown>;
const texts = {
  tokenizer: json('tokenizer/tokenizer.json'),
  tokenizerConfig: json('tokenizer/tokenizer_config.json'),
  config: json('text_encoder/config.json'),
};

async function encode(path: string, openFile: OpenFile | null, graph?: Blob) {
  const file = await OnnxFile.open(graph ?? (await openAsBlob(`fixtures/engine/${path}`)), path, {
    device: backend,
    openFile,
  });
  return new PromptTextEncoder(backend, file, texts, { hidden: 'penultimate', pooled: false }).encode('a red apple');
}

test('weights in several files beside the graph', async () => {
  const opened: string[] = [];
  const beside = folder('fixtures/engine');
  const encoded = await encode('external/model.onnx', (path) => {
    opened.push(path);
    return beside(path);
  });
  expect(encoded).toEqual(await encode('sdxl/text_encoder/model.onnx', null));
  expect(opened.length).toBeGreaterThan(1);
  expect(opened.every((path) => path.startsWith('external/'))).toBe(true);
  expect(new Set(opened).size).toBe(opened.length);
});

test('the same where their lengths are left to their types and sizes', async () => {
  const model = readFileSync('fixtures/engine/external/model.onnx', 'latin1');
  const unmeasured = model.replaceAll('\x0a\x06length', '\x0a\x06nobody');
  expect(unmeasured).not.toBe(model);
  const beside = folder('fixtures/engine');
  const encoded = await encode('external/model.onnx', beside, new Blob([Buffer.from(unmeasured, 'latin1')]));
  expect(encoded).toEqual(await encode('sdxl/text_encoder/model.onnx', null));
});

test('a weight outside the model, or past the end of its file', async () => {
  await expect(encode('external/model.onnx', null)).rejects.toMatchObject({ code: 'model-invalid' });
  await expect(encode('external/model.onnx', () => Promise.resolve(new Blob([])))).rejects.toMatchObject({
    code: 'model-invalid',
  });
});
