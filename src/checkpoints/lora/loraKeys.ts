// The keys of a LoRA file: the module that each changes and the part that it is of that module's change, by their
// endings. Trainers have written them in many ways; what a module is called is `loraTargets`' to say.

/** A low-rank product up · down, a convolution's core between them, and its scale. */
export type LoraPart = 'down' | 'up' | 'mid' | 'alpha';

export interface LoraKey {
  readonly module: string;
  readonly part: LoraPart;
}

const ENDINGS: readonly [ending: string, part: LoraPart][] = [
  // kohya, LyCORIS, ComfyUI
  ['.lora_down.weight', 'down'],
  ['.lora_up.weight', 'up'],
  ['.lora_mid.weight', 'mid'],
  ['.alpha', 'alpha'],
  // PEFT, and diffusers since
  ['.lora_A.weight', 'down'],
  ['.lora_B.weight', 'up'],
  ['.lora_A.default.weight', 'down'],
  ['.lora_B.default.weight', 'up'],
  // diffusers before
  ['.lora.down.weight', 'down'],
  ['.lora.up.weight', 'up'],
  ['.lora_linear_layer.down.weight', 'down'],
  ['.lora_linear_layer.up.weight', 'up'],
  ['_lora.down.weight', 'down'],
  ['_lora.up.weight', 'up'],
];

/** null for a key of another kind. */
export function loraKey(key: string): LoraKey | null {
  const [ending, part] = ENDINGS.find(([end]) => key.endsWith(end)) ?? [];
  if (ending === undefined || part === undefined) return null;
  return { module: key.slice(0, -ending.length).replace('.processor.', '.'), part };
}

/** Changes that are no plain product, by what their keys hold: as their authors call them. */
export const OTHER_KINDS: readonly [kind: string, holds: RegExp][] = [
  ['DoRA', /\.(dora_scale|lora_magnitude_vector(\.weight|\.default\.weight)?)$/],
  ['LoHa', /\.hada_(w[12]_[ab]|t[12])$/],
  ['LoKr', /\.lokr_(w[12](_[ab])?|t2)$/],
  ['OFT', /\.(oft_blocks|oft_diag|oft_R\.weight)$/],
  ['GLoRA', /\.(a1|a2|b1|b2)\.weight$/],
  ['IA³', /\.on_input$/],
  ['LoRA with full weights', /\.(diff|diff_b|w_norm|b_norm)$/],
];
