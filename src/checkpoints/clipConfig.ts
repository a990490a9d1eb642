// The structure of a CLIPTextModel, in the fields of transformers' config.json, from its shapes or from that file; and
// all its parameters with their shapes.

import type { ClipNetwork } from '../configs/networkConfigs';
import { EngineError } from '../protocol/errors';
import { countOf, MOST, type Shapes } from './shapes';

export interface ClipConfig {
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_act: 'quick_gelu' | 'gelu';
  readonly layer_norm_eps: number;
  /** Width of the pooled output; null where there is no text_projection. */
  readonly projection_dim: number | null;
}

/** Every published CLIP text model has heads of this size. */
const HEAD_SIZE = 64;
const EMBEDDINGS = 'text_model.embeddings';

/**
 * @param act the activation, which no shape tells.
 * @param unused layers at the end that nothing reads.
 * @throws EngineError `model-invalid` where the parameters are not those of a CLIP text model.
 */
export function clipFromShapes(shapes: Shapes, act: ClipConfig['hidden_act'], unused: number): ClipConfig {
  const [vocabulary, width] = shapes.get(`${EMBEDDINGS}.token_embedding.weight`) ?? [];
  const [positions] = shapes.get(`${EMBEDDINGS}.position_embedding.weight`) ?? [];
  const layers = countOf(shapes, MOST.depth, (at) => `text_model.encoder.layers.${at}.mlp.fc1.weight`) - unused;
  const [inner] = shapes.get('text_model.encoder.layers.0.mlp.fc1.weight') ?? [];
  if (!vocabulary || !width || !positions || !inner || layers < 1 || layers > MOST.depth)
    throw unknown(`${layers} layers of width ${width}`);
  return {
    vocab_size: vocabulary,
    max_position_embeddings: positions,
    hidden_size: width,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: Math.max(1, Math.floor(width / HEAD_SIZE)),
    hidden_act: act,
    layer_norm_eps: 1e-5,
    projection_dim: shapes.get('text_projection.weight')?.[0] ?? null,
  };
}

/**
 * What config.json says, with transformers' defaults.
 * @param projects whether text_projection.weight is there: a config has a projection_dim in any case.
 * @throws EngineError `model-invalid` that names the field by which it is another network.
 */
export function clipFromConfig(config: ClipNetwork, projects: boolean): ClipConfig {
  const act = config.hidden_act ?? 'quick_gelu';
  if ((config.model_type ?? 'clip_text_model') !== 'clip_text_model') throw unknown(`model_type ${config.model_type}`);
  if (act !== 'quick_gelu' && act !== 'gelu') throw unknown(`hidden_act ${act}`);
  return {
    vocab_size: config.vocab_size ?? 49408,
    max_position_embeddings: config.max_position_embeddings ?? 77,
    hidden_size: config.hidden_size ?? 512,
    intermediate_size: config.intermediate_size ?? 2048,
    num_hidden_layers: config.num_hidden_layers ?? 12,
    num_attention_heads: config.num_attention_heads ?? 8,
    hidden_act: act,
    layer_norm_eps: config.layer_norm_eps ?? 1e-5,
    projection_dim: projects ? (config.projection_dim ?? 512) : null,
  };
}

export function clipParameters(config: ClipConfig): Shapes {
  const { hidden_size: width, intermediate_size: inner } = config;
  const shapes = new Map<string, readonly number[]>([
    [`${EMBEDDINGS}.token_embedding.weight`, [config.vocab_size, width]],
    [`${EMBEDDINGS}.position_embedding.weight`, [config.max_position_embeddings, width]],
  ]);
  const layer = (name: string, weight: readonly number[]) => {
    shapes.set(`${name}.weight`, weight);
    shapes.set(`${name}.bias`, [weight[0] ?? 0]);
  };
  for (let at = 0; at < config.num_hidden_layers; at += 1) {
    const name = `text_model.encoder.layers.${at}`;
    for (const which of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) layer(`${name}.self_attn.${which}`, [width, width]);
    layer(`${name}.layer_norm1`, [width]);
    layer(`${name}.mlp.fc1`, [inner, width]);
    layer(`${name}.mlp.fc2`, [width, inner]);
    layer(`${name}.layer_norm2`, [width]);
  }
  layer('text_model.final_layer_norm', [width]);
  if (config.projection_dim !== null) shapes.set('text_projection.weight', [config.projection_dim, width]);
  return shapes;
}

function unknown(detail: string): EngineError {
  return new EngineError(
    'model-invalid',
    'This model’s text encoder is not whole, or of a kind that Pagoda does not know. Choose another model.',
    detail,
  );
}
