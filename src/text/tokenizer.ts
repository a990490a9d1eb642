// Text → token ids of the length that a text encoder takes: special tokens around, padding behind, and a prompt
// that is too long loses its end but keeps the final special token (as transformers truncates).

import { Tokenizer, type Encoding } from '@huggingface/tokenizers';
import { MOST_TOKENS, type TokenizerConfig } from '../configs/schemas';
import { EngineError } from '../protocol/errors';

/** A part of a prompt: words, or something that takes the place of so many tokens. */
export type Part = string | Slots;

export interface Slots {
  readonly tokens: number;
}

/** The n-th of the tokens whose place something takes, n from 0. */
export interface Slot<S extends Slots> {
  readonly of: S;
  readonly index: number;
}

/** One for each token whose place it takes. */
export function slotsOf<S extends Slots>(of: S): Slot<S>[] {
  return Array.from({ length: of.tokens }, (_, index) => ({ of, index }));
}

export class PromptTokenizer {
  readonly length: number;
  private readonly tokenizer: Tokenizer;
  private readonly pad: number;

  /**
   * @param length ids that the text encoder takes, where its graph or config fixes them; else the config says.
   * @throws EngineError `model-invalid` where the files do not describe a tokenizer, or the length is beyond any.
   */
  constructor(tokenizerJson: object, config: TokenizerConfig, length?: number) {
    try {
      this.tokenizer = new Tokenizer(tokenizerJson, config);
    } catch (cause) {
      throw invalid(cause instanceof Error ? cause.message : String(cause));
    }
    // 77 is CLIP's; configs that were never set carry an absurd number.
    const configured = config.model_max_length ?? 77;
    this.length = length ?? (configured > MOST_TOKENS ? 77 : configured);
    if (!(this.length >= 1 && this.length <= MOST_TOKENS)) throw invalid(`A prompt of ${this.length} tokens.`);
    const pad = content(config.pad_token) ?? content(config.eos_token);
    const id = pad === null ? undefined : this.tokenizer.token_to_id(pad);
    if (id === undefined) throw invalid('The padding token is not in the vocabulary.');
    this.pad = id;
  }

  /** Ids that a prompt may have beside the special ones around it. */
  get room(): number {
    return Math.max(0, this.length - this.encoding('', true).ids.length);
  }

  /**
   * The pieces of a prompt as the vocabulary has them, without special ones around it, however many; '' for each token
   * whose place something takes.
   */
  pieces(prompt: string | readonly Part[]): string[] {
    return [prompt]
      .flat()
      .flatMap((part) =>
        typeof part === 'string' ? this.encoding(part, false).tokens : Array.from({ length: part.tokens }, () => ''),
      );
  }

  /** Ids of words, without special ones around them, however many. */
  ids(words: string): number[] {
    return [...this.encoding(words, false).ids];
  }

  /** Special tokens that stand before a prompt. */
  get before(): number {
    return Math.min(1, this.encoding('', true).ids.length);
  }

  /** The comma's id; null where a comma is no token by itself. */
  get comma(): number | null {
    const [comma, ...others] = this.ids(',');
    return comma === undefined || others.length > 0 ? null : comma;
  }

  /** Exactly `length`: the special ones around at most `room` tokens, and the padding behind. */
  around<S extends Slots>(tokens: readonly (number | Slot<S>)[]): (number | Slot<S>)[] {
    const [first, ...behind] = this.encoding('', true).ids;
    return this.filled([...(first === undefined ? [] : [first]), ...tokens, ...behind]);
  }

  /**
   * Exactly `length` ids, and what stands in the place of some.
   * @throws EngineError `model-invalid` where the tokenizer's files let it stumble.
   */
  encode<S extends Slots = never>(prompt: string | readonly (string | S)[]): (number | Slot<S>)[] {
    if (typeof prompt === 'string') return this.filled([...this.encoding(prompt, true).ids]);
    const tokens = prompt.flatMap((part): (number | Slot<S>)[] =>
      typeof part === 'string' ? this.ids(part) : slotsOf(part),
    );
    return this.around(tokens);
  }

  private filled<S extends Slots>(ids: (number | Slot<S>)[]): (number | Slot<S>)[] {
    const last = ids.at(-1);
    if (ids.length > this.length && last !== undefined) ids.splice(this.length - 1, ids.length, last);
    while (ids.length < this.length) ids.push(this.pad);
    return ids;
  }

  private encoding(prompt: string, add_special_tokens: boolean): Encoding {
    try {
      return this.tokenizer.encode(prompt, { add_special_tokens });
    } catch (cause) {
      throw invalid(cause instanceof Error ? cause.message : String(cause));
    }
  }
}

function content(token: TokenizerConfig['pad_token']): string | null {
  if (!token) return null;
  return typeof token === 'string' ? token : token.content;
}

function invalid(detail: string): EngineError {
  return new EngineError(
    'model-invalid',
    "The model's tokenizer cannot be read. Fetch the model again, or choose another.",
    detail,
  );
}
