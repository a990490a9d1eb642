// When text encoders run and when their weights are in memory.

import { openAsBlob, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CpuBackend } from './cpuBackend';
import { keepsTextEncoders } from './memory';
import { OnnxFile } from './onnxFile';
import { PromptEncoder } from './promptEncoder';
import { PromptTextEncoder } from './textEncoder';
import { loadNodeRuntime } from './testing/nodeRuntime';

const TINY = 'fixtures/models/tiny';
const json = (path: string) => JSON.parse(readFileSync(`${TINY}/${path}`, 'utf8')) as Record<string, unknown>;

/** A backend that counts the sessions and the runs of the encoder. */
class CountingBackend extends CpuBackend {
  open = 0;
  runs = 0;

  override async createSession(graph: Uint8Array, weights: Blob) {
    const session = await super.createSession(graph, weights);
    this.open += 1;
    return {
      run: (feeds: Parameters<typeof session.run>[0]) => {
        this.runs += 1;
        return session.run(feeds);
      },
      dispose: async () => {
        this.open -= 1;
        await session.dispose();
      },
    };
  }
}

async function setUp(keep: boolean, contextTokens: number | null = null) {
  const backend = new CountingBackend(await loadNodeRuntime());
  const file = await OnnxFile.open(await openAsBlob(`${TINY}/text_encoder/model.onnx`), 'text_encoder/model.onnx', {
    device: backend,
    openFile: null,
  });
  const texts = {
    tokenizer: json('tokenizer/tokenizer.json'),
    tokenizerConfig: json('tokenizer/tokenizer_config.json'),
    config: json('text_encoder/config.json'),
  };
  const encoder = new PromptTextEncoder(backend, file, texts, { hidden: 'last', pooled: false });
  return { backend, prompts: new PromptEncoder([encoder], { keep, zerosForNoNegative: false, contextTokens }) };
}

test('a prompt that was encoded is not encoded again', async () => {
  const { backend, prompts } = await setUp(true);
  const first = await prompts.encode({ positive: 'a red apple', negative: '' });
  expect([backend.open, backend.runs]).toEqual([1, 2]);
  const again = await prompts.encode({ positive: 'a cat', negative: 'a red apple' });
  expect([backend.open, backend.runs]).toEqual([1, 3]);
  expect(again.uncond.hidden).toBe(first.cond.hidden);
  await prompts.dispose();
  expect(backend.open).toBe(0);
});

test('where memory is short the weights go after use and come back for a new prompt, the result the same', async () => {
  const [short, ample] = [await setUp(false), await setUp(true)];
  await short.prompts.encode({ positive: 'a red apple', negative: '' });
  expect(short.backend.open).toBe(0);
  const reloaded = await short.prompts.encode({ positive: 'a cat', negative: '' });
  expect(short.backend.runs).toBe(3);
  expect(reloaded.cond.hidden).toEqual(
    (await ample.prompts.encode({ positive: 'a cat', negative: 'a dog' })).cond.hidden,
  );
});

test('memory is short when the model is large for the machine, or for a usual one', () => {
  const gib = 2 ** 30;
  expect([keepsTextEncoders(2 * gib, 8), keepsTextEncoders(2 * gib + 1, 8)]).toEqual([true, false]);
  expect([keepsTextEncoders(gib, undefined), keepsTextEncoders(gib + 1, undefined)]).toEqual([true, false]);
});

test('latents can be shifted on their way into a VAE', async () => {
  const { backend } = await setUp(true);
  const latents = backend.upload('float32', [2, 2], [1, 2, 3, 4]);
  expect([...(await backend.read(await backend.modelInput(latents, [1], 2, 'float32', 0.5)))]).toEqual([6.5, 8.5]);
});

test('of two encoders the one that reads less counts', () => {
  const reads = (limit: number, kept: number) =>
    ({
      fit: () => ({ tokens: 12, limit, chunks: 1, kept }),
      chunks: () => 1,
      chunkLength: 77,
    }) as unknown as PromptTextEncoder;
  for (const encoders of [
    [reads(10, 30), reads(7, 20)],
    [reads(7, 20), reads(10, 30)],
  ]) {
    const prompts = new PromptEncoder(encoders, { keep: true, zerosForNoNegative: false });
    expect(prompts.fit('x')).toEqual({ text: 'x', tokens: 12, limit: 7, chunks: 1, kept: 20 });
  }
});

test('what a real encoder takes is said without running it', async () => {
  const { backend, prompts } = await setUp(true);
  const text = 'a red apple '.repeat(9);
  const { kept, limit, tokens } = prompts.fit(text);
  expect([limit, tokens > limit, kept > 0, kept < text.length]).toEqual([14, true, true, true]);
  expect(prompts.fit(text.slice(0, kept))).toMatchObject({ kept, tokens: expect.any(Number) as number });
  expect(backend.runs).toBe(0);
});

test('a UNet of a fixed context reads as many chunks as it has room for, and the rest is told', async () => {
  const text = 'a (red:1.2) apple '.repeat(20);
  const [free, fixed] = [(await setUp(true)).prompts, (await setUp(true, 40)).prompts];
  const all = free.fit(text, 'a1111');
  expect(all).toMatchObject({ limit: 14, chunks: Math.ceil(all.tokens / 14), kept: text.length });
  expect(all.chunks).toBeGreaterThan(2);
  const { kept, chunks } = fixed.fit(text, 'a1111');
  expect([chunks, kept > 0, kept < text.length]).toEqual([2, true, true]);
  const { cond, uncond } = await fixed.encode({ positive: text, negative: 'a cat', emphasis: 'a1111' });
  expect([cond.dims[0], uncond.dims[0]]).toEqual([32, 32]);
  const { cond: whole } = await free.encode({ positive: text, negative: '', emphasis: 'a1111' });
  expect(whole.dims[0]).toBe(16 * all.chunks);
  expect(cond.hidden).toEqual(whole.hidden.slice(0, cond.hidden.length));
});

test('the empty prompt that ComfyUI weighs from is run once', async () => {
  const { backend, prompts } = await setUp(true);
  await prompts.encode({ positive: '(a cat:1.5) '.repeat(12), negative: 'a cat', emphasis: 'comfy' });
  const chunks = prompts.fit('(a cat:1.5) '.repeat(12), 'comfy').chunks;
  expect([chunks > 1, backend.runs]).toEqual([true, chunks + 1 + 1]);
});
