// CLIPTextModel of transformers, with or without projection: the text encoders of Stable Diffusion 1 and XL (CLIP-L),
// of 2 (OpenCLIP-H) and of XL (OpenCLIP-bigG).
//
//   x = tokens + positions;  each layer: x += attention(LN1 x); x += fc2(act(fc1(LN2 x)));  a final LN
//
// A prompt always has as many tokens as there are positions, so all that lies between is a matrix of rows
// [batch·tokens, width], which Gemm multiplies with weights as they lie. Tokens see those before them; padding is not
// masked.

import { FLOAT, FLOAT16, INT32, type Model } from '../../onnx/file/model';
import { EngineError } from '../../protocol/errors';
import { GraphBuilder, type GraphOptions } from './graphBuilder';
import { add, attention, gelu, layerNorm, linearOfRows, quickGelu } from './layerNodes';

/** Field names and defaults of transformers' CLIPTextConfig. */
export interface TextArchitecture {
  readonly vocab_size?: number;
  readonly hidden_size?: number;
  readonly intermediate_size?: number;
  readonly projection_dim?: number | null;
  readonly num_hidden_layers?: number;
  readonly num_attention_heads?: number;
  readonly max_position_embeddings?: number;
  readonly hidden_act?: string;
  readonly layer_norm_eps?: number;
  readonly eos_token_id?: number;
}

export interface TextOptions extends GraphOptions {
  /** Whether there is a `text_projection`: then `text_embeds` is an output. */
  readonly projects: boolean;
}

const END_OF_TEXT = 49407;
/** Early configs say so, and mean the highest id. */
const LEGACY_END = 2;

/**
 * Input: `input_ids` [batch, tokens]. Outputs: `last_hidden_state` [batch, tokens, width]; `hidden_states.N`, what
 * layer N gives, without the final norm (of 0 what enters the first); `pooler_output` [batch, width], the last layer's
 * result at the end of the text, and `text_embeds` [batch, dim], its projection, one of both.
 * @throws EngineError `model-invalid` for a config that says what is not built here, or what `weight` throws.
 */
export function clipText(config: TextArchitecture, { projects, ...options }: TextOptions): Model {
  const tokens = config.max_position_embeddings ?? 77;
  const width = config.hidden_size ?? 512;
  const layers = config.num_hidden_layers ?? 12;
  const g = GraphBuilder.start(options);
  const model = g.in('text_model');
  const ids = g.input('input_ids', INT32, ['batch', tokens]);
  let x = embeddings(model.in('embeddings'), ids, { tokens, width, words: config.vocab_size ?? 49408 });
  const block = layerOf(config, { tokens, width, mask: causalMask(g, tokens) });
  const dims = ['batch', tokens, width];
  let state = '';
  for (let index = 0; index <= layers; index += 1) {
    if (index > 0) x = block(model.in(`encoder.layers.${index - 1}`), x);
    state = g.op('Reshape', [x, g.int64s([-1, tokens, width])]);
    g.output(`hidden_states.${index}`, state, dims);
  }
  const whole = layerNorm(model.in('final_layer_norm'), state, width, config.layer_norm_eps ?? 1e-5);
  g.output('last_hidden_state', whole, dims);
  const pooled = atEndOfText(g, ids, whole, config);
  if (!projects) g.output('pooler_output', pooled, ['batch', width]);
  else {
    const to = config.projection_dim ?? 512;
    const projected = linearOfRows(g.in('text_projection'), pooled, { from: width, to, bias: false });
    g.output('text_embeds', projected, ['batch', to]);
  }
  return g.finish();
}

interface Sizes {
  readonly tokens: number;
  readonly width: number;
}

function embeddings(
  g: GraphBuilder,
  ids: string,
  { tokens, width, words }: Sizes & { readonly words: number },
): string {
  const table = g.in('token_embedding').weight('weight', [words, width]);
  const positions = g.in('position_embedding').weight('weight', [tokens, width]);
  const rows = add(g, g.op('Gather', [table, ids]), positions);
  return g.op('Reshape', [rows, g.int64s([-1, width])]);
}

/** One layer, from rows to rows. */
function layerOf(config: TextArchitecture, { tokens, width, mask }: Sizes & { readonly mask: string }) {
  const heads = config.num_attention_heads ?? 8;
  const inner = config.intermediate_size ?? 2048;
  const eps = config.layer_norm_eps ?? 1e-5;
  const act = activation(config.hidden_act ?? 'quick_gelu');
  const square = { from: width, to: width };
  return (g: GraphBuilder, x: string): string => {
    const attended = layerNorm(g.in('layer_norm1'), x, width, eps);
    const at = g.in('self_attn');
    const [q = '', k = '', v = ''] = ['q_proj', 'k_proj', 'v_proj'].map((name) =>
      linearOfRows(at.in(name), attended, square),
    );
    const mixed = attention(at, { q, k, v, heads, headDim: width / heads, mask, tokens });
    const z = add(g, x, linearOfRows(at.in('out_proj'), mixed, square));
    const normed = layerNorm(g.in('layer_norm2'), z, width, eps);
    const wide = act(g.in('mlp'), linearOfRows(g.in('mlp.fc1'), normed, { from: width, to: inner }));
    return add(g, z, linearOfRows(g.in('mlp.fc2'), wide, { from: inner, to: width }));
  };
}

function activation(name: string): (g: GraphBuilder, x: string) => string {
  if (name === 'quick_gelu') return quickGelu;
  if (name === 'gelu') return gelu;
  throw new EngineError(
    'model-invalid',
    'This model has a text encoder of a kind that Pagoda does not build. Choose another model.',
    `hidden_act: ${name}`,
  );
}

/** Added to the logits of [batch, heads, tokens, tokens]. */
function causalMask(g: GraphBuilder, tokens: number): string {
  const hidden = g.type === FLOAT16 ? -65504 : -3.4028234663852886e38;
  return g.numbers(
    triangle(tokens, (column, row) => (column > row ? hidden : 0)),
    [1, 1, tokens, tokens],
  );
}

/**
 * The row of the first token that ends the text, [batch, width]. It is the one before which there is no such token:
 * a sum with weights of which one is 1, without an operator that finds or picks it.
 */
function atEndOfText(g: GraphBuilder, ids: string, states: string, config: TextArchitecture): string {
  const tokens = config.max_position_embeddings ?? 77;
  const said = config.eos_token_id ?? END_OF_TEXT;
  const end = g.numbers([said === LEGACY_END ? END_OF_TEXT : said], [], INT32);
  const isEnd = g.op('Cast', [g.op('Equal', [ids, end])], { attributes: { to: { int: FLOAT } } });
  const before = g.numbers(
    triangle(tokens, (column, row) => (row < column ? 1 : 0)),
    [tokens, tokens],
    FLOAT,
  );
  const one = g.numbers([1], [], FLOAT);
  const none = g.op('Relu', [g.op('Sub', [one, g.op('MatMul', [isEnd, before])])]);
  const first = g.op('Reshape', [g.op('Mul', [isEnd, none]), g.int64s([-1, 1, tokens])]);
  const weights = g.type === FLOAT16 ? g.op('Cast', [first], { attributes: { to: { int: FLOAT16 } } }) : first;
  return g.op('Reshape', [g.op('MatMul', [weights, states]), g.int64s([0, -1])]);
}

/** A matrix row by row. */
function triangle(size: number, value: (column: number, row: number) => number): number[] {
  return Array.from({ length: size * size }, (_, at) => value(at % size, Math.floor(at / size)));
}
