// Hostile and damaged JSON of a model through every reader: the engine, the page's folder dialog, and the lookup of the
// models' worker. Each either reads it or refuses it with an error of its own kind that names the file and the field.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { startHubServer, type HubServer } from '../../e2e/support/hubServer';
import { latentShape } from '../engine/latentShape';
import { readModelFiles } from '../engine/modelFiles';
import { asFetchError, FetchError } from '../library/fetchError';
import { folderModel } from '../library/folder';
import { listRepo } from '../library/hub';
import { makePlan } from '../library/plan';
import { EngineError } from '../protocol/errors';
import { PromptTokenizer } from '../text/tokenizer';
import { TOKENIZER } from './tokenizerJson';
import { isBounded } from './regex';
import { check, parseJson } from './readJson';
import { SCHEDULER, UNET } from './schemas';

const TINY = 'fixtures/models/tiny';
const never = new AbortController().signal;
const tiny = new Map(
  readdirSync(TINY, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      // Graphs are not read here.
      return [
        path.slice(TINY.length + 1),
        path.endsWith('.onnx') ? new Uint8Array(10) : new Uint8Array(readFileSync(path)),
      ] as const;
    }),
);

function withFile(path: string, text: string): Map<string, Uint8Array<ArrayBuffer>> {
  return new Map([...tiny, [path, new TextEncoder().encode(text)]]);
}

let hub: HubServer;
beforeAll(async () => {
  hub = await startHubServer();
});
afterAll(() => hub.close());

const READERS: Readonly<Record<string, (files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>) => Promise<unknown>>> = {
  engine: (files) =>
    readModelFiles((path) => {
      const bytes = files.get(path);
      return bytes ? Promise.resolve(new Blob([bytes])) : Promise.reject(new EngineError('model-missing', path));
    }),
  folder: (files) =>
    folderModel({
      name: 'some',
      files: new Map([...files].map(([path, bytes]) => [path, new File([bytes], path)])),
    }),
  hub: async (files) => {
    hub.repos.set('some/model', { commit: 'c1', files });
    return makePlan(await listRepo({ repo: 'some/model', revision: 'main' }, hub.url, never), {
      hubUrl: hub.url,
      entry: null,
      file: null,
      signal: never,
    });
  },
};

const unet = (fields: object) => JSON.stringify({ sample_size: 8, ...fields });
const tokenizer = (fields: object) =>
  JSON.stringify({ added_tokens: [], model: { type: 'BPE', vocab: { a: 0 }, merges: [] }, ...fields });
const replace = (Regex: string) => ({ type: 'Replace', pattern: { Regex }, content: ' ' });
/** Deeper than a stack. */
const nested = `${'{"type":"Sequence","normalizers":['.repeat(50_000)}${']}'.repeat(50_000)}`;

/** File, its text, what is said of it, and which readers read it. */
const CASES: readonly (readonly [string, string, RegExp, ...string[]])[] = [
  ...['unet/config.json', 'text_encoder/config.json'].flatMap((path) =>
    ['null', '[]', '7', '"text"', 'true'].map(
      (json) => [path, json, /must be an object/, 'engine', 'folder', 'hub'] as const,
    ),
  ),
  ['unet/config.json', '{', /not readable/, 'engine', 'folder', 'hub'],
  [
    'unet/config.json',
    unet({ block_out_channels: new Array(300_000).fill(1) }),
    /block_out_channels has 300000 entries; at most 16/,
    'engine',
    'folder',
    'hub',
  ],
  [
    'unet/config.json',
    unet({ block_out_channels: [32, 'wide'] }),
    /block_out_channels\[1\] must be a whole number .*“wide”/,
    'engine',
    'folder',
    'hub',
  ],
  [
    'unet/config.json',
    unet({ block_out_channels: { length: 1e9 } }),
    /block_out_channels must be a list, not an object/,
    'engine',
    'folder',
    'hub',
  ],
  ['unet/config.json', unet({ sample_size: 1e9 }), /sample_size must be/, 'engine', 'folder', 'hub'],
  ['unet/config.json', unet({ sample_size: [8, 8, 8] }), /sample_size must be/, 'engine', 'folder', 'hub'],
  [
    'unet/config.json',
    unet({ in_channels: -4 }),
    /in_channels must be a whole number from 1 to 1024, not -4/,
    'engine',
    'folder',
    'hub',
  ],
  ['unet/config.json', `{"pad": "${'x'.repeat(2_000_000)}"}`, /far too large/, 'engine', 'folder'],
  [
    'text_encoder/config.json',
    '{"max_position_embeddings": 1e9}',
    /max_position_embeddings must be/,
    'engine',
    'folder',
    'hub',
  ],
  ['scheduler/scheduler_config.json', 'null', /must be an object, not null/, 'engine', 'folder'],
  [
    'scheduler/scheduler_config.json',
    '{"num_train_timesteps": 1e8}',
    /num_train_timesteps must be a whole number from 2 to 100000, not 100000000/,
    'engine',
    'folder',
  ],
  ['scheduler/scheduler_config.json', '{"trained_betas": "x"}', /trained_betas must be a list/, 'engine', 'folder'],
  [
    'scheduler/scheduler_config.json',
    `{"trained_betas": [${'0.1,'.repeat(120_000)}0.1]}`,
    /trained_betas has 120001 entries/,
    'engine',
    'folder',
  ],
  [
    'scheduler/scheduler_config.json',
    '{"prediction_type": {"toString": 1}}',
    /prediction_type must be a text, not an object/,
    'engine',
    'folder',
  ],
  [
    'scheduler/scheduler_config.json',
    '{"use_karras_sigmas": "yes"}',
    /use_karras_sigmas must be true or false/,
    'engine',
    'folder',
  ],
  ['vae_decoder/config.json', '{"scaling_factor": 0}', /scaling_factor must be a number/, 'engine'],
  [
    'vae_decoder/config.json',
    `{"block_out_channels": [${'1,'.repeat(40)}1]}`,
    /block_out_channels has 41 entries/,
    'engine',
  ],
  ['model_index.json', 'null', /must be an object/, 'engine'],
  ['tokenizer/tokenizer_config.json', '{"model_max_length": -1}', /model_max_length must be/, 'engine'],
  ['tokenizer/tokenizer_config.json', '{"pad_token": {"content": 3}}', /pad_token must be a text, or/, 'engine'],
  ['tokenizer/tokenizer.json', 'null', /must be an object/, 'engine'],
  ['tokenizer/tokenizer.json', tokenizer({ model: null }), /model must be an object/, 'engine'],
  [
    'tokenizer/tokenizer.json',
    tokenizer({ model: { vocab: { a: 'b' } } }),
    /model.vocab must be a vocabulary/,
    'engine',
  ],
  ['tokenizer/tokenizer.json', tokenizer({ added_tokens: [null] }), /added_tokens\[0\] must be an object/, 'engine'],
  [
    'tokenizer/tokenizer.json',
    tokenizer({ normalizer: replace('(a+)+b') }),
    /normalizer has a regular expression that may take for ever \(\(a\+\)\+b\)/,
    'engine',
  ],
  [
    'tokenizer/tokenizer.json',
    tokenizer({ pre_tokenizer: { type: 'FixedLength', length: 0 } }),
    /pre_tokenizer has a step of a kind .*FixedLength/,
    'engine',
  ],
  [
    'tokenizer/tokenizer.json',
    `{"model": {"vocab": {}}, "normalizer": ${nested}}`,
    /normalizer has more steps/,
    'engine',
  ],
  [
    'tokenizer/tokenizer.json',
    tokenizer({
      normalizer: {
        type: 'Sequence',
        normalizers: Array.from({ length: 12 }, () => ({ ...replace('a'), content: 'aa' })),
      },
    }),
    /far longer/,
    'engine',
  ],
];

describe.each(
  CASES.map(([path, text, said, ...readers]) => [path, text.slice(0, 60), { text, said, readers }] as const),
)('%s: %s', (path, _, { text, said, readers }) => {
  test.each(Object.entries(READERS))('%s', async (name, read) => {
    const outcome = await read(withFile(path, text)).then(
      () => null,
      (error: unknown) => error,
    );
    if (!readers.includes(name)) {
      expect(outcome).toBeNull();
      return;
    }
    expect(outcome instanceof EngineError ? outcome.code : outcome).toBe('model-invalid');
    expect((outcome as EngineError).message).toContain(`${path} of the model`);
    expect((outcome as EngineError).message).toMatch(said);
    expect(asFetchError(outcome)).toMatchObject({ code: 'layout', message: (outcome as EngineError).message });
  });
});

test.each([
  ['a commit that is none', { sha: { evil: 1 } }, []],
  ['a file without a path', {}, [{ type: 'file', size: 1 }]],
  ['a path that leaves its folder', {}, [{ type: 'file', path: '../unet/model.onnx', size: 1, oid: 'a'.repeat(40) }]],
  ['a size that is none', {}, [{ type: 'file', path: 'unet/model.onnx', size: 'big', oid: 'a'.repeat(40) }]],
  ['a listing of null', {}, [null, { type: 'file', path: 'a', size: -1 }]],
])('a hub that answers with %s', async (_, info, files) => {
  const answers = (input: unknown) =>
    Promise.resolve(
      new Response(
        JSON.stringify(String(input).includes('/tree/') ? files : { _id: '1', id: 'a/b', sha: 'c1', ...info }),
      ),
    );
  const original = globalThis.fetch;
  globalThis.fetch = answers;
  try {
    const outcome = await listRepo({ repo: 'a/b', revision: 'main' }, 'http://hub.test', never).catch(
      (error: unknown) => error,
    );
    expect(outcome).toBeInstanceOf(FetchError);
    expect(outcome).toMatchObject({ code: 'server' });
  } finally {
    globalThis.fetch = original;
  }
});

it('takes numbers that are written as strings, leaves out what is null, and reads what Python writes', () => {
  const config = parseJson(
    UNET,
    'unet/config.json',
    '{"sample_size": "64", "in_channels": "4", "block_out_channels": ["32", 64], "time_cond_proj_dim": null, ' +
      '"other": [[]]}',
  );
  expect(config).toEqual({ sample_size: 64, in_channels: 4, block_out_channels: [32, 64] });
  expect(
    latentShape({ name: 'sample', elemType: 1, dims: null }, { name: 'latents', elemType: 1, dims: null }, config),
  ).toEqual([4, 64, 64]);
  const scheduler =
    '{"_class_name": "A\\" Infinity", "lambda_min_clipped": -Infinity, "sigma_max": NaN, "trained_betas": null}';
  expect(parseJson(SCHEDULER, 'scheduler_config.json', scheduler)).toEqual({
    _class_name: 'A" Infinity',
    lambda_min_clipped: -Infinity,
  });
});

test.each([
  String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
  String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  String.raw`\s+`,
  ' {2,}',
  '[^a-z0-9]+',
  String.raw`\p{N}{1,3}`,
  '[]a]+',
  String.raw`\(a+\)`,
])('an expression of a tokenizer: %s', (expression) => {
  expect(isBounded(expression)).toBe(true);
});

test.each([
  '(a+)+b',
  '(a|a)*b',
  '(?:a?){30}a{30}',
  'a*a*a*b',
  '(a|b)(a|b)',
  String.raw`(a)\1`,
  'a{1,8}{2,}',
  'a{1,8}+',
  'a?a?a?a?',
  '(?=(a+)+)',
  '(a{0,16}b)?',
  'x'.repeat(2000),
  String.raw`(\d+)*$`,
])('an expression that may take for ever: %s', (expression) => {
  expect(isBounded(expression)).toBe(false);
});

it('gives the tokenizer an error of the model where it stumbles over its files', () => {
  const vocab = JSON.parse(new TextDecoder().decode(tiny.get('tokenizer/tokenizer.json'))) as object;
  const odd = check(TOKENIZER, 'tokenizer.json', {
    ...vocab,
    post_processor: { type: 'TemplateProcessing', single: null },
  });
  const encode = () => new PromptTokenizer(odd, { eos_token: '<|endoftext|>' }, 8).encode('a');
  expect(encode).toThrow(EngineError);
  expect(() => new PromptTokenizer(vocab, { eos_token: '<|endoftext|>' }, 1e9)).toThrow(/cannot be read/);
});
