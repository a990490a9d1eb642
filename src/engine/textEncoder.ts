// One text encoder with its tokenizer: prompt → hidden states [tokens, dim] and, where asked for, the pooled
// embeds [dim]. The session is built at the first use and can be let go in between: the weights stay in their
// file. Prompts run one at a time, so that what one gives does not depend on what ran beside it.

import { tailName } from '../onnx/passes/tailFrom';
import { promptFit, type PromptFit } from '../text/promptFit';
import { splitAtNames } from '../models/embeddingWords';
import { chunkedTokens, promptChunks } from '../text/promptChunks';
import { PromptTokenizer, type Slot } from '../text/tokenizer';
import type { Emphasis } from '../prompt/pieces';
import { EngineError } from '../protocol/errors';
import type { ValueInfo } from '../onnx/file/model';
import type { Backend, DeviceTensor, Session, Tensors } from './backend';
import { weighed } from './emphasis';
import type { TextFiles } from './modelFiles';
import { concatenated } from './concatenated';
import { elemType, inputByRole, TOKEN_IDS, type OnnxFile } from './onnxFile';

/** Vectors [tokens, width] that take the place of tokens of a prompt. */
export interface TokenVectors {
  readonly tokens: number;
  readonly values: Float32Array;
}

/** Which of the encoder's results the UNet reads. */
export interface TextOutputs {
  /** SD reads the last layer, SDXL the one before it. */
  readonly hidden: 'last' | 'penultimate';
  readonly pooled: boolean;
}

/** How a prompt is read. */
export interface TextReading {
  readonly emphasis: Emphasis;
  /** 1 … mostClipSkip. A session that was built for another one also gives what 1 does. */
  readonly clipSkip: number;
  /** Chunks that are read. */
  readonly most: number;
}

export interface EncodedText {
  /** [tokens, dim], row-major; chunk by chunk. */
  readonly hidden: Float32Array;
  readonly dims: readonly [number, number];
  /** Empty where it was not asked for. */
  readonly pooled: Float32Array;
}

/** A session, the inputs that it reads, and what it gives: hidden states by clip skip. */
interface Built {
  readonly session: Session;
  readonly inputs: readonly ValueInfo[];
  readonly hidden: ReadonlyMap<number, string>;
}

export class PromptTextEncoder {
  private readonly tokenizer: PromptTokenizer;
  private readonly ids: ValueInfo;
  private readonly layers: HiddenLayers;
  private readonly pooled: string | null;
  private built: Built | null = null;
  private vectors: ReadonlyMap<string, TokenVectors> = new Map();

  /** @throws EngineError `model-invalid` where the graph or the tokenizer is of no kind that is known. */
  constructor(
    private readonly backend: Backend,
    private readonly file: OnnxFile,
    files: Omit<TextFiles, 'graph'>,
    wanted: TextOutputs,
  ) {
    this.ids = inputByRole(file, TOKEN_IDS, 2);
    this.tokenizer = new PromptTokenizer(files.tokenizer, files.tokenizerConfig, fixedLength(this.ids, files));
    this.layers = hiddenLayers(file, wanted.hidden, files.config.num_hidden_layers ?? NaN);
    this.pooled = wanted.pooled ? pooledOutput(file) : null;
  }

  /** The most that clip skip may be; 1 where the graph gives one layer alone. */
  get mostClipSkip(): number {
    return this.layers.mostClipSkip;
  }

  /** How many numbers a token's vector has; null where the graph keeps its table of tokens. */
  get vectorWidth(): number | null {
    return this.file.tokens?.table.dims[1] ?? null;
  }

  /** What names in prompts stand for, from now on. */
  useVectors(byName: ReadonlyMap<string, TokenVectors>): void {
    this.vectors = byName;
  }

  fit(prompt: string, emphasis: Emphasis, most: number): PromptFit {
    return promptFit(this.tokenizer, prompt, { emphasis, most, split: this.split });
  }

  /** Ids in a chunk, the special ones among them. */
  get chunkLength(): number {
    return this.tokenizer.length;
  }

  /** How many chunks a prompt has. */
  chunks(prompt: string, emphasis: Emphasis): number {
    if (emphasis === 'plain') return 1;
    return chunkedTokens(this.tokenizer, prompt, emphasis, this.split).chunks.length;
  }

  /**
   * Chunk by chunk, as plain words unless it is said otherwise; the pooled embeds are the first one's, which nothing
   * weighs.
   * @throws EngineError `session-build`.
   */
  async encode(prompt: string, reading: Partial<TextReading> = {}): Promise<EncodedText> {
    const { emphasis = 'plain', clipSkip = 1, most = Infinity } = reading;
    const chunks = promptChunks(this.tokenizer, prompt, { emphasis, split: this.split, most });
    const hidden: Float32Array[] = [];
    let first: EncodedText | null = null;
    let empty: Float32Array | null = null;
    for (const { ids, weights } of chunks) {
      const encoded = await this.run(ids, clipSkip);
      first ??= encoded;
      if (!weights) hidden.push(encoded.hidden);
      else if (emphasis === 'comfy') {
        empty ??= (await this.run(this.tokenizer.encode(''), clipSkip)).hidden;
        hidden.push(weighed(encoded.hidden, weights, { towards: empty }));
      } else hidden.push(weighed(encoded.hidden, weights, { restoresMean: emphasis === 'a1111' }));
    }
    const { dims, pooled } = first!;
    return { hidden: concatenated(hidden), dims: [dims[0] * hidden.length, dims[1]], pooled };
  }

  /** One chunk, without weights. */
  private async run(ids: readonly (number | Slot<TokenVectors>)[], clipSkip: number): Promise<EncodedText> {
    const { session, inputs, hidden } = await this.open(clipSkip);
    const feeds = await this.feeds(inputs, ids);
    let outputs: Tensors = {};
    try {
      outputs = await session.run(feeds);
      const states = outputs[hidden.get(clipSkip)!]!;
      const [count, dim] = states.dims.slice(-2) as [number, number];
      const pooled = this.pooled === null ? null : outputs[this.pooled]!;
      return {
        hidden: (await this.backend.read(states)).slice(0, count * dim),
        dims: [count, dim],
        pooled: pooled ? (await this.backend.read(pooled)).slice(0, pooled.dims.at(-1)) : new Float32Array(0),
      };
    } finally {
      for (const tensor of [...Object.values(feeds), ...Object.values(outputs)]) tensor.dispose();
    }
  }

  /** Frees the weights; the next `encode` loads them again. */
  async release(): Promise<void> {
    const { built } = this;
    this.built = null;
    await built?.session.dispose();
  }

  private async open(clipSkip: number): Promise<Built> {
    if (this.built?.hidden.has(clipSkip)) return this.built;
    await this.release();
    const first = this.layers.of(1);
    const skipped = clipSkip === 1 ? first : this.layers.of(clipSkip);
    const wanted = [first.output, skipped.output, ...(this.pooled === null ? [] : [this.pooled])];
    const segment = skipped.file.upTo(wanted);
    const session = await skipped.file.session(this.backend, segment);
    this.built = {
      session,
      inputs: skipped.file.inputs.filter(({ name }) => segment.inputs.includes(name)),
      hidden: new Map([
        [1, first.output],
        [clipSkip, skipped.output],
      ]),
    };
    return this.built;
  }

  private readonly split = (words: string): (string | TokenVectors)[] =>
    splitAtNames(words, [...this.vectors.keys()]).map((part) =>
      typeof part === 'string' ? part : this.vectors.get(part.name)!,
    );

  /** A graph whose batch is fixed gets the prompt that many times; only the first row is read. */
  private async feeds(
    inputs: readonly ValueInfo[],
    tokens: readonly (number | Slot<TokenVectors>)[],
  ): Promise<Record<string, DeviceTensor>> {
    // Where a vector stands any word may stand too, but none that ends the text.
    const ids = tokens.map((token) => (typeof token === 'number' ? token : 0));
    const rows = typeof this.ids.dims?.[0] === 'number' ? this.ids.dims[0] : 1;
    const outside = this.file.tokens;
    const states = outside && (await this.states(ids, tokens));
    const upload = (input: ValueInfo, values: readonly number[]) => {
      const dims = [rows, ids.length, ...(input.name === outside?.input.name ? [values.length / ids.length] : [])];
      return this.backend.upload(elemType(input), dims, Array.from({ length: rows }, () => values).flat());
    };
    const valuesOf = ({ name }: ValueInfo): readonly number[] => {
      if (name === this.ids.name) return ids;
      if (states && name === outside.input.name) return [...states];
      // Nothing is masked: these encoders attend to the padding as well.
      if (name === 'attention_mask') return ids.map(() => 1);
      if (name === 'position_ids') return ids.map((_, at) => at);
      throw invalid(this.file, `It takes an input “${name}” that Pagoda does not know.`);
    };
    return Object.fromEntries(inputs.map((input) => [input.name, upload(input, valuesOf(input))]));
  }

  /** What enters the encoder for each token: its row of the table, or the vector that stands there. */
  private async states(
    ids: readonly number[],
    tokens: readonly (number | Slot<TokenVectors>)[],
  ): Promise<Float32Array> {
    const states = await this.file.tokenRows(ids);
    const width = states.length / ids.length;
    for (const [at, token] of tokens.entries())
      if (typeof token !== 'number')
        states.set(token.of.values.subarray(token.index * width, (token.index + 1) * width), at * width);
    return states;
  }
}

/** Token count that the graph fixes, else the config's where the tokenizer's own is missing or larger. */
function fixedLength(ids: ValueInfo, { tokenizerConfig, config }: Omit<TextFiles, 'graph'>): number | undefined {
  const inGraph = ids.dims?.[1];
  if (typeof inGraph === 'number') return inGraph;
  const positions = config.max_position_embeddings;
  if (positions === undefined) return undefined;
  return Math.min(positions, tokenizerConfig.model_max_length ?? positions);
}

/** The hidden states that a graph can give, as clip skip counts them. */
interface HiddenLayers {
  readonly mostClipSkip: number;
  /** The output of that layer, and the file that has it. */
  readonly of: (clipSkip: number) => { readonly file: OnnxFile; readonly output: string };
}

/**
 * Optimum and transformers call layer n's result `hidden_states.n`; 0 is what enters the first layer. The last hidden
 * state is the last layer's behind the final norm, which an earlier layer's passes too; the penultimate passes none.
 */
function hiddenLayers(file: OnnxFile, which: TextOutputs['hidden'], config: number): HiddenLayers {
  const numbered = new Map<number, string>();
  for (const { name } of file.outputs) {
    const match = /hidden_states[._](\d+)$/.exec(name);
    if (match) numbered.set(Number(match[1]), name);
  }
  const states = file.outputs.filter(
    ({ name, dims }) => ![...numbered.values()].includes(name) && (dims?.length ?? 3) === 3,
  );
  const last = states.find(({ name }) => name === 'last_hidden_state') ?? states[0];
  const highest = Math.max(...numbered.keys());
  const layers = Number.isNaN(config) ? highest : config;
  const counted = (above: number) => {
    let most = 1;
    while (numbered.has(layers + above - most - 1)) most += 1;
    return most;
  };
  const alone = (output: string): HiddenLayers => ({ mostClipSkip: 1, of: () => ({ file, output }) });
  if (which === 'last') {
    const name = last?.name ?? numbered.get(highest);
    if (name === undefined) throw invalid(file, 'It gives no hidden states.');
    const from = numbered.get(layers);
    const tail = (clipSkip: number) => ({ from: from!, result: name, instead: numbered.get(layers + 1 - clipSkip)! });
    const most = from === undefined || from === name ? 1 : counted(1);
    if (most === 1 || !file.withTailFrom(tail(2))) return alone(name);
    return {
      mostClipSkip: most,
      of: (clipSkip) =>
        clipSkip === 1
          ? { file, output: name }
          : { file: file.withTailFrom(tail(clipSkip))!, output: tailName(tail(clipSkip)) },
    };
  }
  const only = numbered.size === 1 ? [...numbered.values()][0] : undefined;
  const penultimate = only ?? numbered.get(layers - 1);
  if (penultimate !== undefined)
    return only !== undefined
      ? alone(only)
      : { mostClipSkip: counted(0), of: (clipSkip) => ({ file, output: numbered.get(layers - clipSkip)! }) };
  // An export may keep the one result that the UNet reads, under a name of its own.
  if (last && last.name !== 'last_hidden_state') return alone(last.name);
  throw invalid(file, 'It gives only its last hidden state, but the UNet reads the one before it.');
}

function pooledOutput(file: OnnxFile): string {
  const named = file.outputs.find(({ name }) => name === 'text_embeds');
  const flat = file.outputs.filter(({ name, dims }) => dims?.length === 2 && name !== 'pooler_output');
  const found = named ?? (flat.length === 1 ? flat[0] : undefined);
  if (found) return found.name;
  throw invalid(file, 'It gives no text embeds, which the UNet reads.');
}

function invalid(file: OnnxFile, why: string): EngineError {
  const outputs = file.outputs.map(({ name, dims }) => `${name} [${dims?.join(', ') ?? '?'}]`).join('; ');
  return new EngineError('model-invalid', `${file.name} cannot be used: ${why} Choose another model.`, outputs);
}
