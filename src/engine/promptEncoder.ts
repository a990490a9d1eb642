// Prompts → embeds, through one text encoder or, for SDXL, two whose hidden states are joined token by token
// (channels of the first, then of the second) and the last of which gives the pooled embeds. What a prompt gave is
// kept, so that an unchanged prompt runs nothing.

import { EngineError } from '../protocol/errors';
import type { TextFit } from '../protocol/messages';
import { NEVER, checkpoint } from './checkpoint';
import type { EncodedText, PromptTextEncoder } from './textEncoder';

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

/** Prompts whose embeds are kept; SDXL's are 0.6 MB each. */
const KEPT = 16;

export class PromptEncoder {
  private readonly known = new Map<string, PromptEmbeds>();

  constructor(
    private readonly encoders: readonly PromptTextEncoder[],
    private readonly options: PromptEncoderOptions,
  ) {}

  /** @throws EngineError `session-build` or `model-invalid`, or AbortError. */
  async encode(
    prompts: { readonly positive: string; readonly negative: string },
    signal: AbortSignal = NEVER,
  ): Promise<{ cond: PromptEmbeds; uncond: PromptEmbeds }> {
    const zeros = prompts.negative === '' && this.options.zerosForNoNegative;
    const wanted = zeros ? [prompts.positive] : [prompts.negative, prompts.positive];
    const missing = [...new Set(wanted)].filter((prompt) => !this.known.has(prompt));
    if (missing.length > 0) await this.run(missing, signal);
    const [cond, uncond] = [this.recall(prompts.positive), zeros ? null : this.recall(prompts.negative)];
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
  private async run(prompts: readonly string[], signal: AbortSignal): Promise<void> {
    const parts = prompts.map((): EncodedText[] => []);
    for (const encoder of this.encoders) {
      for (const [index, prompt] of prompts.entries()) {
        await checkpoint(signal);
        parts[index]?.push(await encoder.encode(prompt));
      }
      if (!this.options.keep) await encoder.release();
    }
    for (const [index, prompt] of prompts.entries()) this.known.set(prompt, joined(parts[index] ?? []));
  }

  private recall(prompt: string): PromptEmbeds {
    const found = this.known.get(prompt);
    if (!found) throw new Error('A prompt was not encoded.');
    this.known.delete(prompt); // to the end: the order is that of the last use
    this.known.set(prompt, found);
    return found;
  }

  private forgetOldest(): void {
    for (const prompt of this.known.keys()) {
      if (this.known.size <= KEPT) return;
      this.known.delete(prompt);
    }
  }
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
