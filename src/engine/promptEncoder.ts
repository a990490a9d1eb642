// Prompts → embeds, through one text encoder or, for SDXL, two whose hidden states are joined token by token
// (channels of the first, then of the second) and the last of which gives the pooled embeds. What a prompt gave is
// kept, so that an unchanged prompt runs nothing.

import { EngineError } from '../protocol/errors';
import type { TextFit } from '../protocol/messages';
import { NEVER, checkpoint } from './checkpoint';
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
}

interface Asked {
  readonly prompt: string;
  readonly clipSkip: number;
}

const keyOf = ({ prompt, clipSkip }: Asked) => `${clipSkip} ${prompt}`;

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
   * Layers are skipped for the prompt alone, as in diffusers.
   * @throws EngineError `session-build` or `model-invalid`, or AbortError.
   */
  async encode(
    prompts: { readonly positive: string; readonly negative: string; readonly clipSkip?: number },
    signal: AbortSignal = NEVER,
  ): Promise<{ cond: PromptEmbeds; uncond: PromptEmbeds }> {
    const zeros = prompts.negative === '' && this.options.zerosForNoNegative;
    const positive = { prompt: prompts.positive, clipSkip: Math.min(prompts.clipSkip ?? 1, this.mostClipSkip) };
    const negative = { prompt: prompts.negative, clipSkip: 1 };
    // What is skipped first: its session serves the other too.
    const wanted = new Map((zeros ? [positive] : [positive, negative]).map((asked) => [keyOf(asked), asked]));
    const missing = [...wanted].filter(([key]) => !this.known.has(key)).map(([, asked]) => asked);
    if (missing.length > 0) await this.run(missing, signal);
    const [cond, uncond] = [this.recall(positive), zeros ? null : this.recall(negative)];
    this.forgetOldest();
    return { cond, uncond: uncond ?? zerosLike(cond) };
  }

  /** How much of a prompt is read by every encoder. */
  fit(text: string): TextFit {
    const fits = this.encoders.map((encoder) => encoder.fit(text));
    const [least] = fits.sort((a, b) => a.kept - b.kept || a.limit - b.limit);
    if (!least) throw new Error('A model needs a text encoder.');
    return { text, ...least };
  }

  async dispose(): Promise<void> {
    this.known.clear();
    for (const encoder of this.encoders) await encoder.release();
  }

  /** Encoder by encoder, so that where memory is short only one is in it. */
  private async run(prompts: readonly Asked[], signal: AbortSignal): Promise<void> {
    const parts = prompts.map((): EncodedText[] => []);
    for (const encoder of this.encoders) {
      for (const [index, { prompt, clipSkip }] of prompts.entries()) {
        await checkpoint(signal);
        parts[index]?.push(await encoder.encode(prompt, clipSkip));
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

function zerosLike({ hidden, dims, pooled }: PromptEmbeds): PromptEmbeds {
  return { hidden: new Float32Array(hidden.length), dims, pooled: new Float32Array(pooled.length) };
}
