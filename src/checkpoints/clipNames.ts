// The names of a text encoder's parameters in files as transformers' names with `text_model.` in front. OpenCLIP stacks
// the projections of Q, K and V in one tensor, [3·width, width], and keeps text_projection transposed.

/** What a tensor of the file holds: one parameter, or several of equal size below one another. */
export interface ClipName {
  readonly parameters: readonly string[];
  readonly transposed?: true;
}

/** transformers' names as files have them: whole, without `text_model.`, or the text projection. */
export function transformersName(name: string): ClipName | null {
  if (name.startsWith('text_model.') || name === 'text_projection.weight') return { parameters: [name] };
  return /^(embeddings|encoder|final_layer_norm)\./.test(name) ? { parameters: [`text_model.${name}`] } : null;
}

const OPEN: Readonly<Record<string, string>> = {
  'token_embedding.weight': 'text_model.embeddings.token_embedding.weight',
  positional_embedding: 'text_model.embeddings.position_embedding.weight',
  'ln_final.weight': 'text_model.final_layer_norm.weight',
  'ln_final.bias': 'text_model.final_layer_norm.bias',
  'text_projection.weight': 'text_projection.weight',
};
const LAYER: Readonly<Record<string, string>> = {
  ln_1: 'layer_norm1',
  ln_2: 'layer_norm2',
  'mlp.c_fc': 'mlp.fc1',
  'mlp.c_proj': 'mlp.fc2',
  'attn.out_proj': 'self_attn.out_proj',
};

export function openClipName(name: string): ClipName | null {
  if (name === 'text_projection') return { parameters: ['text_projection.weight'], transposed: true };
  const direct = OPEN[name];
  if (direct) return { parameters: [direct] };
  const [, layer, inner = ''] = /^transformer\.resblocks\.(\d{1,3})\.(.+)$/.exec(name) ?? [];
  if (layer === undefined) return null;
  const module = `text_model.encoder.layers.${layer}`;
  const [, packed] = /^attn\.in_proj_(weight|bias)$/.exec(inner) ?? [];
  if (packed) return { parameters: ['q', 'k', 'v'].map((which) => `${module}.self_attn.${which}_proj.${packed}`) };
  const [, leaf = '', parameter = ''] = /^(.+)\.(weight|bias)$/.exec(inner) ?? [];
  const known = LAYER[leaf];
  return known ? { parameters: [`${module}.${known}.${parameter}`] } : null;
}
