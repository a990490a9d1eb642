// The names of a VAE's parameters in single files (CompVis) as diffusers' names. CompVis numbers the decoder's levels
// from the finest, diffusers in the order in which they run. Folders of 2022 and 2023 name the attention in a third
// way.

const ATTENTION: Readonly<Record<string, string>> = {
  norm: 'group_norm',
  q: 'to_q',
  k: 'to_k',
  v: 'to_v',
  proj_out: 'to_out.0',
  query: 'to_q',
  key: 'to_k',
  value: 'to_v',
  proj_attn: 'to_out.0',
};

/**
 * @param names of all parameters, without the prefix of the part.
 * @returns a name's translation, which is the name itself where it is diffusers' already.
 */
export function vaeNames(names: ReadonlySet<string>): (name: string) => string {
  let levels = 0;
  while (names.has(`decoder.up.${levels}.block.0.norm1.weight`)) levels += 1;
  return (name) =>
    name
      .replace(/^(encoder\.down)\.(\d)\.block\.(\d)\./, '$1_blocks.$2.resnets.$3.')
      .replace(/^(encoder\.down)\.(\d)\.downsample\./, '$1_blocks.$2.downsamplers.0.')
      .replace(/^decoder\.up\.(\d)\./, (_, level) => `decoder.up_blocks.${levels - 1 - Number(level)}.`)
      .replace(/^(decoder\.up_blocks\.-?\d)\.block\.(\d)\./, '$1.resnets.$2.')
      .replace(/^(decoder\.up_blocks\.-?\d)\.upsample\./, '$1.upsamplers.0.')
      .replace(
        /^(encoder|decoder)\.mid\.block_([12])\./,
        (_, half, at) => `${half}.mid_block.resnets.${Number(at) - 1}.`,
      )
      .replace(/^(encoder|decoder)\.mid\.attn_1\./, '$1.mid_block.attentions.0.')
      .replace(/(\.mid_block\.attentions\.0)\.(\w+)\./, (all, module, leaf: string) =>
        Object.hasOwn(ATTENTION, leaf) ? `${module}.${ATTENTION[leaf]}.` : all,
      )
      .replace(/\.nin_shortcut\./, '.conv_shortcut.')
      .replace(/^(encoder|decoder)\.norm_out\./, '$1.conv_norm_out.');
}
