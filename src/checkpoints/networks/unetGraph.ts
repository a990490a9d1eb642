// UNet2DConditionModel of diffusers, as Stable Diffusion 1, 2 and XL and those distilled from them have it.
//
//   sample ─ conv_in ─ down blocks ─ mid block ─ up blocks ─ norm ─ SiLU ─ conv_out ─ out_sample
//                          └───────── skips ────────┘
//
// A skip is what conv_in, each resnet (with its transformer) and each downsampler of the way down give; each resnet of
// the way up takes the last one that is left, behind its own input.

import { FLOAT, type Model } from '../../onnx/file/model';
import { GraphBuilder, type GraphOptions } from './graphBuilder';
import { add, concat, conv, groupNorm, linearOfRows, silu, upsample } from './layerNodes';
import { resnet } from './resnet';
import { embedded, waves } from './timeEmbedding';
import { transformer } from './transformer';
import type { UnetStructure } from '../unetConfig';
import { unetPlan, type UnetLevel, type UnetPlan } from './unetPlan';

interface Features {
  readonly value: string;
  readonly channels: number;
}

/**
 * Inputs: `sample` [batch, channels, height, width], `timestep` [1], `encoder_hidden_states` [batch, tokens, dim];
 * where the structure says so `text_embeds` [batch, dim] and `time_ids` [batch, 6], or `timestep_cond` [batch, dim].
 * Output: `out_sample`. Timestep and ids are f32 in graphs of f16 too. Any height and width, also odd ones.
 * @throws what `weight` throws.
 */
export function unet(structure: UnetStructure, options: GraphOptions): Model {
  const plan = unetPlan(structure);
  const g = GraphBuilder.start(options);
  const sample = g.input('sample', g.type, ['batch', plan.inChannels, 'height', 'width']);
  const time = silu(g, timeEmbedding(g, plan));
  const context = g.input('encoder_hidden_states', g.type, ['batch', 'tokens', plan.contextDim]);
  const block = new Blocks(plan, time, context);

  let h: Features = {
    value: conv(g.in('conv_in'), sample, { from: plan.inChannels, to: block.first }),
    channels: block.first,
  };
  const skips: Features[] = [h];
  plan.down.forEach((level, index) => {
    h = block.down(g.in(`down_blocks.${index}`), h, skips, level, index === plan.down.length - 1);
  });
  if (plan.mid) h = block.mid(g.in('mid_block'), h, plan.mid);
  plan.up.forEach((level, index) => {
    h = block.up(g.in(`up_blocks.${index}`), h, skips, level);
  });
  const last = silu(g, groupNorm(g.in('conv_norm_out'), h.value, { ...h, groups: plan.groups, eps: plan.eps }));
  const out = conv(g.in('conv_out'), last, { from: h.channels, to: plan.outChannels });
  g.output('out_sample', out, ['batch', plan.outChannels, 'height', 'width']);
  return g.finish();
}

/** Of the timestep and what conditions like it, [batch or 1, timeDim]. */
function timeEmbedding(g: GraphBuilder, plan: UnetPlan): string {
  const { timeDim, addition, guidanceDim } = plan;
  const dim = plan.down[0]!.channels;
  const timestep = g.input('timestep', FLOAT, [1]);
  let e = waves(g.in('time_proj'), timestep, dim);
  if (guidanceDim !== null) {
    const guidance = g.input('timestep_cond', g.type, ['batch', guidanceDim]);
    e = add(
      g,
      e,
      linearOfRows(g.in('time_embedding.cond_proj'), guidance, { from: guidanceDim, to: dim, bias: false }),
    );
  }
  const emb = embedded(g.in('time_embedding'), e, dim, timeDim);
  if (!addition) return emb;
  const { idDim, ids, textDim } = addition;
  const text = g.input('text_embeds', g.type, ['batch', textDim]);
  const numbers = g.op('Reshape', [g.input('time_ids', FLOAT, ['batch', ids]), g.int64s([0, ids, 1])]);
  const ways = waves(g.in('add_time_proj'), numbers, idDim);
  const added = concat(g, [text, g.op('Reshape', [ways, g.int64s([0, ids * idDim])])], -1);
  return add(g, emb, embedded(g.in('add_embedding'), added, textDim + ids * idDim, timeDim));
}

class Blocks {
  readonly first: number;

  constructor(
    private readonly plan: UnetPlan,
    /** SiLU of the time embedding. */
    private readonly time: string,
    private readonly context: string,
  ) {
    this.first = plan.down[0]!.channels;
  }

  /** Adds what it gives to `skips`. */
  down(g: GraphBuilder, from: Features, skips: Features[], level: UnetLevel, isLast: boolean): Features {
    let h = from;
    for (let index = 0; index < level.resnets; index += 1) {
      h = this.resnet(g.in(`resnets.${index}`), h, level.channels);
      h = this.transformer(g.in(`attentions.${index}`), h, level, index);
      skips.push(h);
    }
    if (isLast) return h;
    const { channels } = level;
    h = { value: conv(g.in('downsamplers.0.conv'), h.value, { from: channels, to: channels, stride: 2 }), channels };
    skips.push(h);
    return h;
  }

  mid(g: GraphBuilder, from: Features, level: UnetLevel): Features {
    let h = this.resnet(g.in('resnets.0'), from, level.channels);
    for (let index = 1; index < level.resnets; index += 1) {
      h = this.transformer(g.in(`attentions.${index - 1}`), h, level, index - 1);
      h = this.resnet(g.in(`resnets.${index}`), h, level.channels);
    }
    return h;
  }

  /** Takes its skips from `skips`; where some are left, the last of them has the size of what it gives. */
  up(g: GraphBuilder, from: Features, skips: Features[], level: UnetLevel): Features {
    let h = from;
    for (let index = 0; index < level.resnets; index += 1) {
      const skip = skips.pop();
      if (!skip) throw new Error('The way up has more resnets than the way down has skips.');
      const both = { value: concat(g, [h.value, skip.value], 1), channels: h.channels + skip.channels };
      h = this.resnet(g.in(`resnets.${index}`), both, level.channels);
      h = this.transformer(g.in(`attentions.${index}`), h, level, index);
    }
    const next = skips.at(-1);
    if (!next) return h;
    const { channels } = level;
    const sampler = g.in('upsamplers.0');
    const wide = upsample(sampler, h.value, next.value);
    return { value: conv(sampler.in('conv'), wide, { from: channels, to: channels }), channels };
  }

  private resnet(g: GraphBuilder, { value, channels }: Features, to: number): Features {
    const { groups, eps, timeDim } = this.plan;
    const time = { value: this.time, dim: timeDim };
    return { value: resnet(g, value, { from: channels, to, groups, eps, time }), channels: to };
  }

  private transformer(g: GraphBuilder, { value, channels }: Features, level: UnetLevel, index: number): Features {
    const layers = level.layers[index];
    if (!layers) return { value, channels };
    const { groups, contextDim, upcastAttention: upcast } = this.plan;
    const { heads } = level;
    return {
      value: transformer(g, value, { channels, heads, layers, groups, context: this.context, contextDim, upcast }),
      channels,
    };
  }
}
