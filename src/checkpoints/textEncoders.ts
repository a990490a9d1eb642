// The text encoders of a file: CLIP-L under transformers' names, OpenCLIP's under its own, one or both by the family.

import type { ClipNetwork } from '../configs/networkConfigs';
import { clipFromConfig, clipFromShapes, clipParameters, type ClipConfig } from './clipConfig';
import { openClipName, transformersName } from './clipNames';
import type { Base } from './families';
import { findSources, fitSources, type Sources } from './tensorSources';
import type { SafetensorsHeader } from './safetensors';

export interface TextEncoderPart {
  readonly config: ClipConfig;
  readonly sources: Sources;
  readonly prefix: string;
  readonly naming: 'ldm' | 'diffusers';
  /** Id that fills up a prompt: CLIP's own end, or OpenCLIP's 0. */
  readonly padTokenId: 49407 | 0;
}

/** Where files have them: what stands before the keys, and whether the names are OpenCLIP's. */
const PLACES: readonly [prefix: string, open: boolean, slot: 0 | 1][] = [
  ['cond_stage_model.transformer.', false, 0],
  ['cond_stage_model.model.', true, 0],
  ['conditioner.embedders.0.transformer.', false, 0],
  ['conditioner.embedders.0.model.', true, 0],
  ['conditioner.embedders.1.model.', true, 1],
  ['conditioner.embedders.1.transformer.', false, 1],
  ['text_encoder.', false, 0],
  ['text_encoder_2.', false, 1],
  ['', false, 0],
  ['', true, 0],
];
const TOKENS = 'text_model.embeddings.token_embedding.weight';
/** Widths from OpenCLIP-H on: those have the exact GELU. */
const OPEN_WIDTH = 1024;

/** `ofNoUse`: keys of layers and projections that this family does not read. */
export function readTextEncoders(header: SafetensorsHeader, base: Base | null, config?: ClipNetwork) {
  const parts: (TextEncoderPart | null)[] = base === null ? [] : base === 'sdxl' ? [null, null] : [null];
  const ofNoUse = new Set<string>();
  for (const [prefix, open, slot] of PLACES) {
    const tokens = [TOKENS, 'embeddings.token_embedding.weight', 'token_embedding.weight'].slice(
      open ? 2 : 0,
      open ? 3 : 2,
    );
    if (!tokens.some((name) => header.tensors.has(prefix + name)) || parts[slot]) continue;
    parts[slot] = readOne(header, { prefix, open, slot, base, config: config ?? null }, ofNoUse);
  }
  return { parts: Array.from(parts, (part) => part ?? null), ofNoUse };
}

interface Place {
  readonly prefix: string;
  readonly open: boolean;
  readonly slot: 0 | 1;
  readonly base: Base | null;
  readonly config: ClipNetwork | null;
}

function readOne(header: SafetensorsHeader, place: Place, ofNoUse: Set<string>): TextEncoderPart {
  const { prefix, open, slot, base, config } = place;
  const entries = [...header.tensors].flatMap(([key, tensor]) =>
    key.startsWith(prefix) ? [[key, key.slice(prefix.length), tensor] as const] : [],
  );
  const { sources } = findSources(entries, open ? openClipName : transformersName);
  const shapes = new Map([...sources].map(([name, { shape }]) => [name, shape]));
  const width = shapes.get(TOKENS)?.[1] ?? 0;
  // SD 2 reads what leaves the layer before the last, as diffusers' folders do, which lack that layer.
  const unused = open && slot === 0 && (base === 'sd2' || (base === null && width === OPEN_WIDTH)) ? 1 : 0;
  const act = open || slot === 1 || width >= OPEN_WIDTH ? 'gelu' : 'quick_gelu';
  // Of the encoders only SDXL's second has a pooled output; a file of its own may be that one.
  const pools = (slot === 1 || base === null) && unused === 0 && shapes.has('text_projection.weight');
  const built = config ? clipFromConfig(config, pools) : clipFromShapes(shapes, act, unused);
  const asked: ClipConfig = pools ? built : { ...built, projection_dim: null };
  const fitted = fitSources(sources, clipParameters(asked), 'text encoder');
  const used = new Set([...fitted.values()].map(({ tensor }) => tensor));
  const rest = new Set([...sources.values()].map(({ tensor }) => tensor));
  for (const [key, , tensor] of entries) if (rest.has(tensor) && !used.has(tensor)) ofNoUse.add(key);
  return {
    config: asked,
    sources: fitted,
    prefix,
    naming: open ? 'ldm' : 'diffusers',
    padTokenId: asked.hidden_act === 'quick_gelu' ? 49407 : 0,
  };
}
