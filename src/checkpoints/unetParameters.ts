// All parameters of a UNet2DConditionModel with their shapes, from its config, under diffusers' names.

import type { Shapes } from './shapes';
import type { UnetStructure } from './unetConfig';

export function unetParameters(config: UnetStructure): Shapes {
  const shapes = new Map<string, readonly number[]>();
  const { block_out_channels: channels, layers_per_block: layers } = config;
  const finest = channels[0] ?? 0;
  const coarsest = channels.at(-1) ?? 0;
  const time = 4 * finest;

  const layer = (name: string, weight: readonly number[], bias = true) => {
    shapes.set(`${name}.weight`, weight);
    if (bias) shapes.set(`${name}.bias`, [weight[0] ?? 0]);
  };
  const conv = (name: string, input: number, output: number) => layer(name, [output, input, 3, 3]);
  const norm = (name: string, width: number) => layer(name, [width]);

  const resnet = (name: string, input: number, output: number) => {
    norm(`${name}.norm1`, input);
    conv(`${name}.conv1`, input, output);
    layer(`${name}.time_emb_proj`, [output, time]);
    norm(`${name}.norm2`, output);
    conv(`${name}.conv2`, output, output);
    if (input !== output) layer(`${name}.conv_shortcut`, [output, input, 1, 1]);
  };
  const attention = (name: string, width: number, context: number) => {
    layer(`${name}.to_q`, [width, width], false);
    layer(`${name}.to_k`, [width, context], false);
    layer(`${name}.to_v`, [width, context], false);
    layer(`${name}.to_out.0`, [width, width]);
  };
  const transformer = (name: string, width: number, depth: number) => {
    if (depth === 0) return;
    const projection = config.use_linear_projection ? [width, width] : [width, width, 1, 1];
    norm(`${name}.norm`, width);
    layer(`${name}.proj_in`, projection);
    for (let at = 0; at < depth; at += 1) {
      const block = `${name}.transformer_blocks.${at}`;
      for (const which of ['norm1', 'norm2', 'norm3']) norm(`${block}.${which}`, width);
      attention(`${block}.attn1`, width, width);
      attention(`${block}.attn2`, width, config.cross_attention_dim);
      layer(`${block}.ff.net.0.proj`, [8 * width, width]);
      layer(`${block}.ff.net.2`, [width, 4 * width]);
    }
    layer(`${name}.proj_out`, projection);
  };

  conv('conv_in', config.in_channels, finest);
  layer('time_embedding.linear_1', [time, finest]);
  layer('time_embedding.linear_2', [time, time]);
  if (config.time_cond_proj_dim !== null) layer('time_embedding.cond_proj', [finest, config.time_cond_proj_dim], false);
  if (config.projection_class_embeddings_input_dim !== null) {
    layer('add_embedding.linear_1', [time, config.projection_class_embeddings_input_dim]);
    layer('add_embedding.linear_2', [time, time]);
  }

  const skips = [finest];
  let width = finest;
  channels.forEach((output, level) => {
    for (let at = 0; at < layers; at += 1) {
      resnet(`down_blocks.${level}.resnets.${at}`, width, output);
      const depth = config.transformer_layers_per_block[level]?.[at] ?? 0;
      transformer(`down_blocks.${level}.attentions.${at}`, output, depth);
      width = output;
      skips.push(width);
    }
    if (level === channels.length - 1) return;
    conv(`down_blocks.${level}.downsamplers.0.conv`, width, width);
    skips.push(width);
  });

  if (config.mid_block_type !== null) resnet('mid_block.resnets.0', coarsest, coarsest);
  if (config.mid_block_type === 'UNetMidBlock2DCrossAttn') {
    transformer('mid_block.attentions.0', coarsest, config.mid_transformer_layers);
    resnet('mid_block.resnets.1', coarsest, coarsest);
  }

  [...channels].reverse().forEach((output, level) => {
    for (let at = 0; at <= layers; at += 1) {
      resnet(`up_blocks.${level}.resnets.${at}`, width + (skips.pop() ?? 0), output);
      const depth = config.reverse_transformer_layers_per_block[level]?.[at] ?? 0;
      transformer(`up_blocks.${level}.attentions.${at}`, output, depth);
      width = output;
    }
    if (level < channels.length - 1) conv(`up_blocks.${level}.upsamplers.0.conv`, width, width);
  });

  norm('conv_norm_out', finest);
  conv('conv_out', finest, config.out_channels);
  return shapes;
}
