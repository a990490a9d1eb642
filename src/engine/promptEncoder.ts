// Prompts → embeds, through one text encoder or, for SDXL, two whose hidden states are joined token by token
// (channels of the first, then of the second) and the last of which gives the pooled embeds. What a prompt gave is
// kept, so that an unchanged prompt runs nothing.
//
// Rows of a batch have one length. A context that is there twice means the same to attention: softmax gives each copy
// half. So prompts of different numbers of chunks are repeated to the least common multiple, as ComfyUI does and as
// A1111's separate calls come to.

import { EngineError } from '../protocol/errors';
import type { LongText, TextFit } from '../protocol/events';
import type { Emphasis } from '../prompt/pieces';
import { NEVER, checkpoint } from './checkpoint';
import { concatenated } from './concatenated';
import type { EncodedText, PromptTextEncoder, TokenVectors } from './textEncoder';

export interface PromptEmbeds {
  /** [tokens, dim], row-major. */
  readonly hidden: Float32Array;
  readonly dims: readonly [number, number];
  /** Pooled embeds of the last encoder; empty where the UNet takes none. */
  readonly pooled: Float32Array;
}

export interface PromptEncoderOptions {
  /** `force_zeros_for_empty_prompt`: no negative prompt is zeros, not an encoded empty text. */
  readonly zerosForNoNegative: boolean;
  /** Keep the encoders' weights between runs; false where memory is short. */
  readonly keep: boolean;
  /** Tokens that the UNet's graph takes, where its exporter fixed them; null where any number. */
  readonly contextTokens?: number | null;
}

/** What a run asks to be read. */
export interface Prompts {
  readonly positive: string;
  readonly negative: string;
  readonly emphasis?: Emphasis;
  readonly clipSkip?: number;
}

interface Asked {
  readonly prompt: string;
  readonly emphasis: Emphasis;
  readonly clipSkip: number;
}

const keyOf = ({ prompt, emphasis, clipSkip }: Asked) => `${emphasis} ${clipSkip} ${prompt}`;

/** Repeated to more, the attention to a prompt would cost more than all else: the shorter one gets empty chunks. */
const MOST_REPEATED = 16;

/** Prompts whose embeds are kept; SDXL's are 0.6 MB each. */
const KEPT = 16;

export class PromptEncoder {
  /** By `keyOf`. */
  private readonly known = new Map<string, PromptEmbeds>();
  private readonly encoders: PromptTextEncoder[];
  /** By name, one an encoder. */
  private vectors: ReadonlyMap<string, readonly TokenVectors[]> = new Map();

  constructor(
    encoders: readonly PromptTextEncoder[],
    private readonly options: PromptEncoderOptions,
  ) {
    this.encoders = [...encoders];
  }

  /** Another encoder in the place of one: what was encoded is not its. */
  async replace(at: number, encoder: PromptTextEncoder): Promise<void> {
    const before = this.encoders[at];
    this.encoders[at] = encoder;
    encoder.useVectors(vectorsOf(this.vectors, at));
    this.known.clear();
    await before?.release();
  }

  /** How wide the vectors of tokens are, encoder by encoder; null where one of them takes none. */
  get vectorWidths(): readonly number[] | null {
    const widths = this.encoders.flatMap(({ vectorWidth }) => vectorWidth ?? []);
    return widths.length === this.encoders.length ? widths : null;
  }

  /** What names in prompts stand for, from now on: what was encoded may have been other words. */
  useVectors(byName: ReadonlyMap<string, readonly TokenVectors[]>): void {
    this.vectors = byName;
    this.known.clear();
    for (const [at, encoder] of this.encoders.entries()) encoder.useVectors(vectorsOf(byName, at));
  }

  /** The most that clip skip may be: all encoders skip as many layers. */
  get mostClipSkip(): number {
    return Math.min(...this.encoders.map((encoder) => encoder.mostClipSkip));
  }

  /**
   * Both of one length. Layers are skipped for the prompt alone, as in diffusers, where words are plain; else for both.
   * @throws EngineError `session-build` or `model-invalid`, or AbortError.
   */
  async encode(prompts: Prompts, signal: AbortSignal = NEVER): Promise<{ cond: PromptEmbeds; uncond: PromptEmbeds }> {
    const { positive: prompt, negative, emphasis = 'plain' } = prompts;
    const skip = Math.min(prompts.clipSkip ?? 1, this.mostClipSkip);
    const positiveAsked = { prompt, emphasis, clipSkip: skip };
    const negativeAsked = { prompt: negative, emphasis, clipSkip: emphasis === 'plain' ? 1 : skip };
    const zeros = this.isZeros(prompts);
    const asked = zeros ? [positiveAsked] : [positiveAsked, negativeAsked];
    const [countCond, countUncond] = this.counts(prompts);
    const count = commonCount(countCond, countUncond);
    const isPadded = count % countCond !== 0 || count % countUncond !== 0;
    const emptyAsked = { ...negativeAsked, prompt: '' };
    // What is skipped first: its session serves the other too.
    const wanted = new Map((isPadded ? [...asked, emptyAsked] : asked).map((one) => [keyOf(one), one]));
    const missing = [...wanted].filter(([key]) => !this.known.has(key)).map(([, one]) => one);
    if (missing.length > 0) await this.run(missing, signal);
    const [cond, uncond] = [this.recall(positiveAsked), zeros ? null : this.recall(negativeAsked)];
    const filling = isPadded ? this.recall(emptyAsked) : null;
    this.forgetOldest();
    const long = ofChunks(cond, countCond, count, filling);
    return { cond: long, uncond: uncond ? ofChunks(uncond, countUncond, count, filling) : zerosLike(long) };
  }

  /** Tokens of a run's context: the special ones and the padding are among them. */
  contextTokens(prompts: Prompts): number {
    return commonCount(...this.counts(prompts)) * Math.min(...this.encoders.map(({ chunkLength }) => chunkLength));
  }

  /** How much of a prompt is read by every encoder. */
  fit(text: string, emphasis: Emphasis = 'plain'): TextFit {
    const fits = this.encoders.map((encoder) => encoder.fit(text, emphasis, this.most(text, emphasis)));
    const [least] = fits.sort((a, b) => a.kept - b.kept || a.limit - b.limit);
    if (!least) throw new Error('A model needs a text encoder.');
    return { text, ...least };
  }

  /** What several texts are beyond one chunk each that is read whole; null where they are that. */
  extent(texts: readonly string[], emphasis: Emphasis): LongText | null {
    const fits = texts.map((text) => this.fit(text, emphasis));
    const chunks = Math.max(...fits.map((fit) => fit.chunks));
    const isCut = fits.some(({ text, kept }) => kept < text.length);
    return chunks > 1 || isCut ? { chunks, isCut } : null;
  }

  /** Chunks of the prompt and of the negative one. Zeros are as many as there must be. */
  private counts(prompts: Prompts): [number, number] {
    const { positive, negative, emphasis = 'plain' } = prompts;
    return [this.most(positive, emphasis), this.isZeros(prompts) ? 1 : this.most(negative, emphasis)];
  }

  /** ComfyUI encodes an empty text for any model. */
  private isZeros({ negative, emphasis }: Prompts): boolean {
    return negative === '' && this.options.zerosForNoNegative && emphasis !== 'comfy';
  }

  /** How many chunks of a prompt are read: those that every encoder has, and the UNet has room for. */
  private most(prompt: string, emphasis: Emphasis): number {
    const { contextTokens = null } = this.options;
    const room = this.encoders.map(({ chunkLength }) =>
      contextTokens === null ? Infinity : Math.max(1, Math.floor(contextTokens / chunkLength)),
    );
    return Math.min(...room, ...this.encoders.map((encoder) => encoder.chunks(prompt, emphasis)));
  }

  async dispose(): Promise<void> {
    this.known.clear();
    for (const encoder of this.encoders) await encoder.release();
  }

  /** Encoder by encoder, so that where memory is short only one is in it. */
  private async run(prompts: readonly Asked[], signal: AbortSignal): Promise<void> {
    const parts = prompts.map((): EncodedText[] => []);
    for (const encoder of this.encoders) {
      for (const [index, { prompt, emphasis, clipSkip }] of prompts.entries()) {
        await checkpoint(signal);
        parts[index]?.push(await encoder.encode(prompt, { emphasis, clipSkip, most: this.most(prompt, emphasis) }));
      }
      if (!this.options.keep) await encoder.release();
    }
    for (const [index, asked] of prompts.entries()) this.known.set(keyOf(asked), joined(parts[index] ?? []));
  }

  private recall(asked: Asked): PromptEmbeds {
    const key = keyOf(asked);
    const found = this.known.get(key);
    if (!found) throw new Error('A prompt was not encoded.');
    this.known.delete(key); // to the end: the order is that of the last use
    this.known.set(key, found);
    return found;
  }

  private forgetOldest(): void {
    for (const key of this.known.keys()) {
      if (this.known.size <= KEPT) return;
      this.known.delete(key);
    }
  }
}

function vectorsOf(byName: ReadonlyMap<string, readonly TokenVectors[]>, at: number): Map<string, TokenVectors> {
  return new Map([...byName].map(([name, vectors]) => [name, vectors[at]!]));
}

/** Embeds of several encoders as one. */
function joined(parts: readonly EncodedText[]): PromptEmbeds {
  const [first, ...others] = parts;
  const last = parts.at(-1);
  if (!first || !last) throw new Error('A model needs a text encoder.');
  if (others.length === 0) return first;
  const [tokens] = first.dims;
  if (others.some((part) => part.dims[0] !== tokens)) {
    throw new EngineError(
      'model-invalid',
      "The model's text encoders disagree on the length of a prompt. Fetch the model again, or choose another.",
      parts.map((part) => part.dims.join('×')).join(', '),
    );
  }
  const width = parts.reduce((sum, part) => sum + part.dims[1], 0);
  const hidden = new Float32Array(tokens * width);
  for (let token = 0; token < tokens; token += 1) {
    let at = token * width;
    for (const {
      hidden: from,
      dims: [, dim],
    } of parts) {
      hidden.set(from.subarray(token * dim, (token + 1) * dim), at);
      at += dim;
    }
  }
  return { hidden, dims: [tokens, width], pooled: last.pooled };
}

/** Chunks that both are brought to. */
function commonCount(one: number, other: number): number {
  const common = (one * other) / greatestDivisor(one, other);
  return common <= MOST_REPEATED ? common : Math.max(one, other);
}

function greatestDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestDivisor(other, one % other);
}

/** Repeated, where that comes out even, or followed by `filling`. */
function ofChunks(embeds: PromptEmbeds, has: number, count: number, filling: PromptEmbeds | null): PromptEmbeds {
  if (has === count) return embeds;
  const isWhole = count % has === 0;
  const parts = isWhole
    ? Array.from({ length: count / has }, () => embeds.hidden)
    : [embeds.hidden, ...Array.from({ length: count - has }, () => filling!.hidden)];
  const [tokens, dim] = embeds.dims;
  return { ...embeds, hidden: concatenated(parts), dims: [(tokens / has) * count, dim] };
}

function zerosLike({ hidden, dims, pooled }: PromptEmbeds): PromptEmbeds {
  return { hidden: new Float32Array(hidden.length), dims, pooled: new Float32Array(pooled.length) };
}
