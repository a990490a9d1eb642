import { crc32, deflateSync } from 'node:zlib';
import { Unzlib } from 'fflate';
import { describe, expect, it, vi } from 'vitest';
import { readPngText, writePngText } from './pngText';

// A 1×1 PNG put together here with Node's own zlib, so that CRC and deflate have an independent maker.
function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const IHDR = chunk('IHDR', Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]));
const IDAT = chunk('IDAT', deflateSync(Buffer.from([0, 7])));
const IEND = chunk('IEND', Buffer.alloc(0));
const png = (...texts: Uint8Array[]) => Buffer.concat([SIGNATURE, IHDR, ...texts, IDAT, IEND]);
const read = (bytes: Uint8Array) =>
  readPngText(
    new Blob([Uint8Array.from(bytes)]),
    new Set(['a', 'b', 'parameters', 'pagoda', 'bomb', 'after', 'other']),
  );

/** mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('text chunks of a PNG', () => {
  it('gives back what was written, whatever the letters', async () => {
    const next = random(1);
    const alphabets = ['ab \n,:"', 'é×ÿ\t', '赤いりんご', '🍎🐼', '\u0080\u0000'];
    for (let round = 0; round < 60; round += 1) {
      const letters = Array.from(alphabets.slice(0, 1 + Math.floor(next() * alphabets.length)).join(''));
      const text = Array.from(
        { length: Math.floor(next() * 5000) },
        () => letters[Math.floor(next() * letters.length)],
      ).join('');
      const { texts, problems } = await read(writePngText(png(), { parameters: text, pagoda: '{}' }));
      expect(problems).toEqual([]);
      expect(texts.get('parameters')).toBe(text);
      expect(texts.get('pagoda')).toBe('{}');
    }
  });

  it('writes CRCs that another implementation agrees with and keeps the picture', () => {
    const out = Buffer.from(writePngText(png(), { parameters: 'é', other: '🍎' }));
    const expected = png(
      chunk('tEXt', Buffer.from('parameters\0é', 'latin1')),
      chunk('iTXt', Buffer.concat([Buffer.from('other\0\0\0\0\0'), Buffer.from('🍎')])),
    );
    expect(out.equals(expected)).toBe(true);
  });

  it('reads compressed texts', async () => {
    const { texts } = await read(
      png(
        chunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.from('é', 'latin1'))])),
        chunk('iTXt', Buffer.concat([Buffer.from('b\0\x01\0de\0ü\0'), deflateSync(Buffer.from('赤'))])),
      ),
    );
    expect([...texts]).toEqual([
      ['a', 'é'],
      ['b', '赤'],
    ]);
  });

  it('unpacks no more than a megabyte', async () => {
    const bomb = deflateSync(Buffer.alloc(200 * 2 ** 20));
    const push = vi.spyOn(Unzlib.prototype, 'push');
    const { texts, problems } = await read(
      png(chunk('zTXt', Buffer.concat([Buffer.from('bomb\0\0'), bomb])), chunk('tEXt', Buffer.from('after\0fine'))),
    );
    expect([...texts]).toEqual([['after', 'fine']]);
    expect(problems).toEqual([expect.stringContaining('more than 1 MiB')]);
    // A kilobyte at a time: the third would go beyond.
    expect(push.mock.calls.map(([part]) => part.length)).toEqual([1024, 1024]);
    push.mockRestore();
  });

  it('reads what Pillow reads: bytes behind a zlib stream, UTF-8 in tEXt, the last of two, up to a zero', async () => {
    const { texts, problems, visited } = await read(
      png(
        ...Array.from({ length: 5000 }, (_, at) => chunk('tEXt', Buffer.from(`k${at}\0v`))),
        chunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.from('text')), Buffer.from('more')])),
        chunk('tEXt', Buffer.from('b\0赤')),
        chunk('tEXt', Buffer.from('other\0one')),
        chunk('tEXt', Buffer.from('other\0two\0tail')),
      ),
    );
    expect([[...texts], problems, visited]).toEqual([
      [
        ['a', 'text'],
        ['b', '赤'],
        ['other', 'two'],
      ],
      [],
      5007,
    ]);
  });

  it('unpacks the last of many texts of one keyword alone', async () => {
    const push = vi.spyOn(Unzlib.prototype, 'push');
    const packed = chunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(2 ** 20, 65))]));
    const { texts } = await read(png(...new Array<Buffer>(100).fill(packed)));
    expect([texts.get('a')?.length, push.mock.calls.length]).toEqual([2 ** 20, 2]);
    push.mockRestore();
  });

  it('leaves texts packed that nobody asked for', async () => {
    const push = vi.spyOn(Unzlib.prototype, 'push');
    const { keywords } = await read(
      png(
        ...Array.from({ length: 64 }, (_, at) =>
          chunk('zTXt', Buffer.concat([Buffer.from(`k${at}\0\0`), deflateSync(Buffer.alloc(99))])),
        ),
      ),
    );
    expect([keywords.size, push.mock.calls.length]).toEqual([64, 0]);
    push.mockRestore();
  });

  it.each([
    [
      'a wrong checksum',
      (() => {
        const bad = chunk('tEXt', Buffer.from('a\0b'));
        bad.writeUInt8(bad.readUInt8(bad.length - 1) ^ 1, bad.length - 1);
        return bad;
      })(),
      'checksum',
    ],
    [
      'a length past the end',
      Buffer.from([255, 255, 255, 255, 116, 69, 88, 116, 97, 0, 98, 0, 0, 0, 0]),
      'ends inside',
    ],
    ['no keyword', chunk('tEXt', Buffer.from('\0b')), 'keyword'],
    ['deflate that is none', chunk('zTXt', Buffer.from('a\0\0nonsense')), 'left out'],
    ['an unfinished iTXt', chunk('iTXt', Buffer.from('a\0\0\0')), 'malformed'],
    ['a text of two megabytes', chunk('tEXt', Buffer.concat([Buffer.from('a\0'), Buffer.alloc(2 ** 21, 65)])), '1 MiB'],
  ])('drops a chunk with %s and says so', async (_, bad, why) => {
    const { texts, problems } = await read(png(bad));
    expect(texts.size).toBe(0);
    expect(problems.join()).toContain(why);
  });

  it('never fails on damaged files but to say that they are no PNG', async () => {
    const next = random(2);
    const whole = png(
      chunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.from('text'))])),
      chunk('iTXt', Buffer.from('b\0\0\0\0\0text')),
    );
    for (let round = 0; round < 400; round += 1) {
      const bytes = Uint8Array.from(whole).subarray(0, next() < 0.3 ? Math.floor(next() * whole.length) : whole.length);
      for (let hits = 0; hits < 3 && bytes.length > 8; hits += 1)
        bytes[8 + Math.floor(next() * (bytes.length - 8))] = Math.floor(next() * 256);
      await read(bytes).catch((error: unknown) => expect(String(error)).toContain('not a PNG'));
    }
  });

  it('refuses what is no PNG', async () => {
    await expect(read(Buffer.from('GIF89a'))).rejects.toThrow('not a PNG');
    expect(() => writePngText(Buffer.from('GIF89a'), {})).toThrow('not a PNG');
    expect(() => writePngText(png(), { ' bad': '' })).toThrow('keyword');
  });
});
