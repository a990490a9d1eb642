// Headers as safetensors writes them, as it must not, and files that are none.

import { describe, expect, test } from 'vitest';
import { seeded, type Random } from '../onnx/testing/mutate';
import { EngineError } from '../protocol/errors';
import { headerEnd, readHeader } from './safetensors';
import { joinShards, shardsOf } from './shards';
import { fileOf, lengthBytes, safetensorsFile } from './testing/safetensorsFile';

const CASES = Number(process.env['FUZZ_CASES'] ?? 2000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

async function fault(file: Blob, size = file.size): Promise<EngineError> {
  try {
    await readHeader(file, size);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'model-invalid') return error;
    throw error;
  }
  throw new Error('The header was taken.');
}

const two = (first: object, second: object, bytes = 8) =>
  fileOf(JSON.stringify({ a: first, b: second }), [new Uint8Array(bytes)]);
const f16 = (shape: readonly unknown[], begin: number, end: number) => ({
  dtype: 'F16',
  shape,
  data_offsets: [begin, end],
});
const one = (entry: unknown, bytes: number) =>
  fileOf(JSON.stringify({ a: entry }), bytes > 0 ? [new Uint8Array(bytes)] : []);

describe('a header', () => {
  test('gives each tensor’s bytes from the file’s start, and the metadata', async () => {
    const bytes = (...values: number[]) => Uint8Array.from(values);
    const file = safetensorsFile(
      new Map([
        ['matrix', { dtype: 'F16', shape: [1, 2], bytes: bytes(1, 2, 3, 4) }],
        ['none', { dtype: 'F32', shape: [0], bytes: bytes() }],
        ['scalar', { dtype: 'BF16', shape: [], bytes: bytes(5, 6) }],
        ['__proto__', { dtype: 'F8_E4M3', shape: [1], bytes: bytes(7) }],
      ]),
      { format: 'pt', 'a "quoted: one\\': '{"x": 1}' },
      5,
    );
    const header = await readHeader(file);
    const content = await Promise.all(
      [...header.tensors].map(async ([name, { dtype, shape, offset, length }]) => [
        name,
        dtype,
        shape,
        [...new Uint8Array(await file.slice(offset, offset + length).arrayBuffer())],
      ]),
    );
    expect(content).toEqual([
      ['matrix', 'F16', [1, 2], [1, 2, 3, 4]],
      ['none', 'F32', [0], []],
      ['scalar', 'BF16', [], [5, 6]],
      ['__proto__', 'F8_E4M3', [1], [7]],
    ]);
    expect([...header.metadata]).toEqual([
      ['format', 'pt'],
      ['a "quoted: one\\', '{"x": 1}'],
    ]);
  });

  test('is read from a file’s beginning', async () => {
    const file = one(f16([1000], 0, 2000), 2000);
    const end = await headerEnd(file.slice(0, 100), file.size);
    const { tensors } = await readHeader(file.slice(0, end), file.size);
    expect(tensors.get('a')).toEqual({ dtype: 'F16', shape: [1000], offset: end, length: 2000 });
    await expect(readHeader(file.slice(0, end - 1), file.size)).rejects.toMatchObject({ code: 'model-invalid' });
  });

  test('whose tensors stand in another order than their bytes is right', async () => {
    const { tensors } = await readHeader(two(f16([3], 2, 8), f16([1], 0, 2)));
    expect([...tensors.keys()]).toEqual(['b', 'a']);
  });

  test.each<[string, Blob, RegExp]>([
    ['two tensors on the same bytes', two(f16([2], 0, 4), f16([3], 2, 8)), /begins at byte/],
    ['a hole', two(f16([1], 0, 2), f16([2], 4, 8)), /begins at byte/],
    ['a hole at the start', one(f16([1], 2, 4), 4), /begins at byte/],
    ['bytes behind the last tensor', one(f16([1], 0, 2), 3), /follow the last tensor/],
    ['a shape that its bytes do not fill', one(f16([2], 0, 2), 2), /bytes 0 to 2 for 32 bits/],
    ['an end before the begin', one(f16([0], 2, 0), 2), /bytes 2 to 0/],
    ['a product beyond all integers', one(f16([2 ** 30, 2 ** 30, 0], 0, 0), 0), /more elements/],
    ['a negative size', one(f16([-1], 0, 2), 2), /shape/],
    ['half a size', one(f16([0.5], 0, 1), 1), /shape/],
    ['an infinite size', fileOf('{"a":{"dtype":"F16","shape":[1e999],"data_offsets":[0,2]}}'), /shape/],
    ['a size that is a text', one(f16(['1'], 0, 2), 2), /shape/],
    ['nine axes', one(f16(Array<number>(9).fill(1), 0, 2), 2), /shape/],
    ['three offsets', one({ dtype: 'F16', shape: [1], data_offsets: [0, 1, 2] }, 2), /data_offsets/],
    ['an unknown dtype', one({ ...f16([1], 0, 2), dtype: 'F13' }, 2), /unknown dtype “F13”/],
    ['a dtype from Object', one({ ...f16([1], 0, 2), dtype: 'toString' }, 2), /unknown dtype/],
    ['bits that fill no byte', one({ ...f16([3], 0, 1), dtype: 'F4' }, 1), /12 bits/],
    ['no shape', one({ dtype: 'F16', data_offsets: [0, 2] }, 2), /not dtype, shape/],
    ['a null for a tensor', one(null, 0), /not dtype, shape/],
    ['a long name', fileOf(JSON.stringify({ ['x'.repeat(2000)]: f16([1], 0, 2) }), ['xx']), /2000 letters/],
    ['metadata with a number', fileOf('{"__metadata__":{"x":1}}'), /metadata “x” are no text/],
    ['metadata that are a list', fileOf('{"__metadata__":[]}'), /no object/],
    ['a list for a header', fileOf('{"a":[]}'.replace('{"a":', ' ').replace('}', '')), /not a JSON object/],
    ['half of JSON', fileOf('{"a":'), /not JSON/],
    ['bytes that are no UTF-8', new Blob([lengthBytes(5n), '{"', Uint8Array.of(0xff), '":']), /not JSON/],
    [
      'a deep header',
      fileOf(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
      /twice in the header, or one is too/,
    ],
    [
      'a name that stands twice',
      fileOf(
        '{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}',
        ['xx'],
      ),
      /twice/,
    ],
    [
      'a field that stands twice',
      fileOf('{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,2]}}', ['xx']),
      /twice/,
    ],
  ])('with %s is damaged', async (_, file, detail) => {
    const error = await fault(file);
    expect(error.message).toContain('is damaged');
    expect(error.detail).toMatch(detail);
  });

  test('of too many tensors is refused', async () => {
    const entries = Array.from(
      { length: 100_001 },
      (_, at) => `"${at}":{"dtype":"F16","shape":[0],"data_offsets":[0,0]}`,
    );
    expect((await fault(fileOf(`{${entries.join()}}`))).detail).toBe('100001 tensors');
  });

  test.each([
    ['within its weights', 8 + 53 + 3],
    ['within its header', 8 + 20],
  ])('of a file that ends %s says that it was not fetched whole', async (_, length) => {
    const error = await fault(one(f16([2], 0, 4), 4).slice(0, length));
    expect(error.message).toContain('not fetched whole');
  });
});

describe('a file that is something else is called by its name', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  test.each<[string, BlobPart[], string]>([
    ['a PyTorch checkpoint', ['PK\x03\x04\0\0\x08\x08archive/data.pkl'], '.ckpt'],
    ['a pickle', [bytes(0x80, 2, 0x63), 'collections OrderedDict'], 'pickle'],
    ['GGUF', ['GGUF', bytes(3, 0, 0, 0, 0, 0, 0, 0)], 'GGUF'],
    ['a pointer', ['version https://git-lfs.github.com/spec/v1\noid sha256:00'], 'Git LFS pointer'],
    ['a page', ['\n\n<!DOCTYPE html><html>'], 'web page'],
    ['a page behind a mark', [bytes(0xef, 0xbb, 0xbf), '<html lang="en">'], 'web page'],
    ['a server’s word', ['Entry not found'], 'is text'],
    ['a short word', ['404'], 'is text'],
    ['JSON', ['{"error":"Access to model x is restricted"}'], 'is text'],
    ['a picture', [bytes(0x89), 'PNG\r\n\x1a\n\0\0\0\rIHDR'], 'picture'],
    ['ONNX', [bytes(8, 8, 0x12, 7), 'pytorch'], 'ONNX'],
    ['an archive', [bytes(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0)], 'archive'],
    ['nothing', [], 'empty'],
    ['zeros', [new Uint8Array(4096)], 'zeros'],
    ['a header of 2⁶³ bytes', [lengthBytes(2n ** 63n), '{}'], 'not a .safetensors file'],
    ['a header of 64 MiB', [lengthBytes(2n ** 26n), '{}'], 'not a .safetensors file'],
    ['noise', [bytes(17, 200, 3, 9, 250, 1, 1, 90, 4)], 'not a .safetensors file'],
  ])('%s', async (_, parts, name) => {
    expect((await fault(new Blob(parts))).message).toContain(name);
  });
});

describe('shards', () => {
  const index = (map: object) => JSON.stringify({ metadata: { total_size: 1 }, weight_map: map });
  const header = (...names: string[]) =>
    readHeader(
      safetensorsFile(new Map(names.map((name) => [name, { dtype: 'U8', shape: [0], bytes: new Uint8Array(0) }]))),
    );

  test('are one header, whose tensors name their files', async () => {
    const json = index({ a: 'm-1.safetensors', b: 'm-2.safetensors', c: 'm-1.safetensors' });
    expect(shardsOf('i.json', json)).toEqual(['m-1.safetensors', 'm-2.safetensors']);
    const headers = new Map([
      ['m-1.safetensors', await header('a', 'c')],
      ['m-2.safetensors', await header('b')],
    ]);
    const { tensors } = joinShards('i.json', json, headers);
    expect([...tensors].map(([name, { shard }]) => [name, shard])).toEqual([
      ['a', 'm-1.safetensors'],
      ['b', 'm-2.safetensors'],
      ['c', 'm-1.safetensors'],
    ]);
  });

  test.each([
    ['a tensor that its file lacks', { a: 'm.safetensors', b: 'm.safetensors' }],
    ['a file with more', {}],
  ])('with %s do not fit', async (_, map) => {
    const headers = new Map([['m.safetensors', await header('a')]]);
    expect(() => joinShards('i.json', index(map), headers)).toThrow('does not fit the files');
  });

  test.each(['../m.safetensors', 'x/m.safetensors', '..\\m.safetensors', '.safetensors', 'm.bin', 'c:m.safetensors'])(
    'are no paths: %s',
    (file) => {
      expect(() => shardsOf('i.json', index({ a: file }))).toThrow(EngineError);
    },
  );
});

describe(`${CASES} damaged headers from seed ${SEED}`, () => {
  const GOOD =
    '{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},' +
    '"b":{"dtype":"F32","shape":[],"data_offsets":[12,16]},"c":{"dtype":"I64","shape":[1,2],"data_offsets":[16,32]}}';
  const PIECES = '{ } [ ] : , " \\ 0 -1 1e999 -0 9007199254740993 null "dtype" "F4" "__proto__" [0,0]'.split(' ');
  const NAMES = ['"a.weight"', '"b"', '"c"', '"format"', '"pt"'];
  const TOKENS = /"[^"]*"|\d+|./g;

  /** Tokens lost, doubled, swapped and replaced, other names and white space, and bytes turned. */
  function damagedHeader(random: Random): Uint8Array {
    const tokens: string[] = GOOD.match(TOKENS) ?? [];
    const any = () => random(tokens.length);
    for (let count = 1 + random(2); count > 0; count -= 1) {
      const kind = random(8);
      if (kind === 0) tokens.splice(any(), 1);
      else if (kind === 1) tokens.splice(any(), 0, tokens[any()] ?? '');
      else if (kind === 2) tokens[any()] = tokens[any()] ?? '';
      else if (kind === 3) tokens[any()] = PIECES[random(PIECES.length)] ?? '';
      else if (kind === 4) tokens[any()] = String(random(40));
      else if (kind === 5) tokens.splice(any(), 0, ' ');
      else
        tokens[tokens.indexOf(NAMES[random(NAMES.length)] ?? '')] = `"${'\\"'.repeat(random(3))}${String(random(9))}"`;
    }
    const bytes = new TextEncoder().encode(tokens.join(''));
    if (random(8) === 0) bytes[random(bytes.length)] = random(256);
    return bytes;
  }

  test(
    'are read or refused, and what is read lies in the file without overlap',
    async () => {
      const count = { taken: 0, refused: 0 };
      for (let at = 0; at < CASES; at += 1) {
        const random = seeded(SEED + at);
        const header = damagedHeader(random);
        const length = random(20) === 0 ? BigInt(random(2 ** 31)) << BigInt(random(40)) : BigInt(header.length);
        const file = new Blob([
          lengthBytes(length),
          new Uint8Array(header),
          new Uint8Array(random(9) > 0 ? 32 : random(64)),
        ]);
        try {
          const { tensors } = await readHeader(file);
          let end = 8 + Number(length);
          for (const { offset, length: bytes, shape } of tensors.values()) {
            expect(offset).toBe(end);
            expect(shape.every((size) => Number.isSafeInteger(size) && size >= 0)).toBe(true);
            end += bytes;
          }
          expect(end).toBe(file.size);
          count.taken += 1;
        } catch (cause) {
          if (!(cause instanceof EngineError)) throw new Error(`Seed ${SEED + at}`, { cause });
          count.refused += 1;
        }
      }
      expect(Math.min(count.taken, count.refused), JSON.stringify(count)).toBeGreaterThan(CASES / 40);
    },
    Infinity,
  );
});
