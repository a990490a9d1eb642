// The names of a UNet's parameters in single files (CompVis: input_blocks, middle_block, output_blocks, numbered
// through) as diffusers' names (blocks by level, and in each its resnets, attentions and samplers), and back.

const HEADS: Readonly<Record<string, string>> = {
  'input_blocks.0.0': 'conv_in',
  'time_embed.0': 'time_embedding.linear_1',
  'time_embed.2': 'time_embedding.linear_2',
  'time_embed.cond_proj': 'time_embedding.cond_proj',
  'label_emb.0.0': 'add_embedding.linear_1',
  'label_emb.0.2': 'add_embedding.linear_2',
  'out.0': 'conv_norm_out',
  'out.2': 'conv_out',
};
const RESNET: Readonly<Record<string, string>> = {
  'in_layers.0': 'norm1',
  'in_layers.2': 'conv1',
  'emb_layers.1': 'time_emb_proj',
  'out_layers.0': 'norm2',
  'out_layers.3': 'conv2',
  skip_connection: 'conv_shortcut',
};
const MIDDLE = ['resnets.0', 'attentions.0', 'resnets.1'];

/**
 * @param names of all parameters, without the prefix of the part.
 * @returns a name's translation, or null for one that no UNet has.
 */
export function unetNames(names: ReadonlySet<string>): (name: string) => string | null {
  // Resnets of a level: input_blocks.0 is conv_in, and the first level ends in the first downsampler.
  let layers = 0;
  while (names.has(`input_blocks.${layers + 1}.0.in_layers.0.weight`)) layers += 1;
  const place = (part: string, at: number, module: string) => {
    if (part === 'middle_block') return MIDDLE[at] && module === '' ? `mid_block.${MIDDLE[at]}` : null;
    const index = part === 'input_blocks' ? at - 1 : at;
    if (index < 0) return null;
    const block = `${part === 'input_blocks' ? 'down' : 'up'}_blocks.${Math.floor(index / (layers + 1))}`;
    if (module === 'op') return `${block}.downsamplers.0.conv`;
    if (module === 'conv') return `${block}.upsamplers.0.conv`;
    return `${block}.${module}.${index % (layers + 1)}`;
  };
  return (name) => {
    const [, head = '', parameter = ''] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
    const direct = HEADS[head];
    if (direct) return `${direct}.${parameter}`;
    const [, part = '', number = '', inner = ''] = /^(input_blocks|output_blocks)\.(\d{1,3})\.(.+)$/.exec(head) ?? [];
    if (part !== '') {
      if (part === 'input_blocks' && inner === '0.op') return ended(place(part, Number(number), 'op'), '', parameter);
      if (part === 'output_blocks' && /^[12]\.conv$/.test(inner))
        return ended(place(part, Number(number), 'conv'), '', parameter);
      const [, kind, leaf = ''] = /^([01])\.(.+)$/.exec(inner) ?? [];
      if (kind === '0') return ended(place(part, Number(number), 'resnets'), RESNET[leaf], parameter);
      return kind === '1' ? ended(place(part, Number(number), 'attentions'), leaf, parameter) : null;
    }
    const [, middle = '', leaf = ''] = /^middle_block\.(\d)\.(.+)$/.exec(head) ?? [];
    if (middle === '') return null;
    return ended(place('middle_block', Number(middle), ''), middle === '1' ? leaf : RESNET[leaf], parameter);
  };
}

function ended(module: string | null, leaf: string | undefined, parameter: string): string | null {
  if (module === null || leaf === undefined) return null;
  return leaf === '' ? `${module}.${parameter}` : `${module}.${leaf}.${parameter}`;
}

const OWN_HEADS = reversed(HEADS);
const OWN_RESNET = reversed(RESNET);

/**
 * The way back, for modules.
 * @param parameters all, by diffusers' names.
 * @returns a module's name in single files, or null for one that they have no name for.
 */
export function ldmUnetName(parameters: ReadonlyMap<string, unknown>): (module: string) => string | null {
  let layers = 0;
  while (parameters.has(`down_blocks.0.resnets.${layers}.conv1.weight`)) layers += 1;
  const blocks = new Set([...parameters.keys()].flatMap((name) => /^up_blocks\.\d+\.attentions/.exec(name)?.[0] ?? []));
  return (module) => {
    const direct = OWN_HEADS[module];
    if (direct !== undefined) return direct;
    const [, middle = '', inner = ''] = /^mid_block\.(\w+\.\d)\.(.+)$/.exec(module) ?? [];
    if (middle !== '') {
      const leaf = middle.startsWith('resnets') ? OWN_RESNET[inner] : inner;
      const place = MIDDLE.indexOf(middle);
      return place < 0 || leaf === undefined ? null : `middle_block.${place}.${leaf}`;
    }
    const [, part, block = '', kind, at = '', leaf = ''] =
      /^(down|up)_blocks\.(\d{1,3})\.(resnets|attentions|downsamplers|upsamplers)\.(\d{1,3})\.(.+)$/.exec(module) ?? [];
    if (part === undefined) return null;
    const first = Number(block) * (layers + 1) + Number(part === 'down');
    const place = `${part === 'down' ? 'input' : 'output'}_blocks`;
    if (kind === 'downsamplers') return `${place}.${first + layers}.0.op`;
    if (kind === 'upsamplers')
      return `${place}.${first + layers}.${blocks.has(`up_blocks.${block}.attentions`) ? 2 : 1}.conv`;
    if (kind === 'attentions') return `${place}.${first + Number(at)}.1.${leaf}`;
    const own = OWN_RESNET[leaf];
    return own === undefined ? null : `${place}.${first + Number(at)}.0.${own}`;
  };
}

function reversed(names: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(names).map(([name, other]) => [other, name]));
}
