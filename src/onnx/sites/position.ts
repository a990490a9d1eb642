// diffusers' module paths for sites of a graph whose names say nothing, from where the sites lie in the UNet:
//
//   up     a site that depends on a skip connection: a Concat of two feature maps
//   mid    one whose result enters exactly one skip Concat, and that by one way
//   down   any other
//
// The block's index counts the strided convolutions (down) or the upsamplers (up) before it. Sites with equally many
// 3×3 convolutions before them are layers of one transformer; ResNets lie between two transformers.

import type { Attention } from './matchAttention';
import type { Graph } from '../graph/graph';
import type { GraphNode } from '../file/model';
import { readsOf } from '../file/order';

/** What lies before a value on its longest way; `features` where it depends on a convolution at all. */
interface Before {
  readonly features: boolean;
  readonly skips: boolean;
  readonly down: number;
  readonly up: number;
  readonly convolutions: number;
}

/** One attention module of a block, while its layers are counted. */
interface Transformer {
  readonly index: number;
  layers: number;
}

const NOTHING: Before = { features: false, skips: false, down: 0, up: 0, convolutions: 0 };
const UPSAMPLERS = new Set(['Resize', 'Upsample', 'ConvTranspose']);
const CONVOLUTIONS = new Set(['Conv', 'NhwcConv', 'FusedConv']);
const MANY = 'many';

/** One path a site; null for each where the graph has no skip connections to tell the blocks by. */
export function positionPaths(graph: Graph, sites: readonly Attention[]): (string | null)[] {
  const before = new Map<string, Before>();
  const skips = new Set<GraphNode>();
  for (const node of graph.model.nodes) {
    const own = passed(graph, node, before, skips);
    for (const output of node.outputs) before.set(output, own);
  }
  const entered = skipsEntered(graph, skips);
  const blocks = new Map<string, Map<number, Transformer>>();
  return sites.map(({ output }) => {
    if (skips.size === 0) return null;
    const at = before.get(output) ?? NOTHING;
    const isMid = !at.skips && entered.get(output) !== MANY;
    const block = at.skips ? `up_blocks.${at.up}` : isMid ? 'mid_block' : `down_blocks.${at.down}`;
    const transformers = blocks.get(block) ?? new Map<number, Transformer>();
    blocks.set(block, transformers);
    const own = transformers.get(at.convolutions) ?? { index: transformers.size, layers: 0 };
    transformers.set(at.convolutions, own);
    own.layers += 1;
    return `${block}.attentions.${own.index}.transformer_blocks.${own.layers - 1}.attn1`;
  });
}

/** What lies before a node's outputs. Shapes do not count: their values carry no features. */
function passed(graph: Graph, node: GraphNode, before: ReadonlyMap<string, Before>, skips: Set<GraphNode>): Before {
  if (node.opType === 'Shape' || node.opType === 'Size') return NOTHING;
  const inputs = readsOf(node).map((name) => before.get(name) ?? NOTHING);
  let all = inputs.reduce(
    (one, other) => ({
      features: one.features || other.features,
      skips: one.skips || other.skips,
      down: Math.max(one.down, other.down),
      up: Math.max(one.up, other.up),
      convolutions: Math.max(one.convolutions, other.convolutions),
    }),
    NOTHING,
  );
  if (UPSAMPLERS.has(node.opType)) all = { ...all, up: all.up + 1 };
  if (CONVOLUTIONS.has(node.opType)) {
    const strided = (node.attributes.get('strides')?.ints ?? []).some((stride) => stride > 1);
    const wide = (graph.weightDims(node.inputs[1] ?? '')?.[2] ?? 3) > 1;
    all = { ...all, features: true, down: all.down + Number(strided), convolutions: all.convolutions + Number(wide) };
  }
  if (node.opType === 'Concat' && inputs.filter(({ features }) => features).length > 1) {
    skips.add(node);
    all = { ...all, skips: true };
  }
  return all;
}

/** For each value the one input of the one skip Concat that it enters first, or MANY. */
function skipsEntered(graph: Graph, skips: ReadonlySet<GraphNode>): Map<string, string> {
  const entered = new Map<string, string>();
  const enter = (value: string, where: string | undefined) => {
    if (where === undefined) return;
    const known = entered.get(value);
    entered.set(value, known === undefined || known === where ? where : MANY);
  };
  for (const node of [...graph.model.nodes].reverse()) {
    if (node.opType === 'Shape' || node.opType === 'Size') continue;
    if (skips.has(node)) node.inputs.forEach((value, index) => enter(value, `${index} ${node.outputs[0] ?? ''}`));
    else for (const output of node.outputs) for (const value of readsOf(node)) enter(value, entered.get(output));
  }
  return entered;
}
