// Text → token ids of the length that a text encoder takes: special tokens around, padding behind, and a prompt
// that is too long loses its end but keeps the final special token (as transformers truncates).

import { Tokenizer, type Encoding } from '@huggingface/tokenizers';
import { MOST_TOKENS, type TokenizerConfig } from '../configs/schemas';
import { EngineError } from '../protocol/errors';

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

  /** The pieces of a prompt as the vocabulary has them, without special ones around it, however many. */
  pieces(prompt: string): string[] {
    return [...this.encoding(prompt, false).tokens];
  }

  /** Exactly `length` ids. @throws EngineError `model-invalid` where the tokenizer's files let it stumble. */
  encode(prompt: string): number[] {
    const ids = [...this.encoding(prompt, true).ids];
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
