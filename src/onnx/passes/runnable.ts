// A graph in the form in which a device runs it: without f64, with int8 in its weights alone, packed attention taken
// apart, widened where it is only stored in f16 or the device has none, convolutions with numbers of channels that
// WebGPU gets wrong padded, separate attention fused where ONNX Runtime's fused one is right there, and activations.

import { fuseActivations } from './activations';
import { attentionInParts } from './attentionInParts';
import { floatActivations } from './floatActivations';
import { fuseAttention } from './fuse';
import type { Graph } from '../graph/graph';
import type { GraphNode, Model } from '../file/model';
import { padChannels } from './padChannels';
import { toFloat32 } from './toFloat32';
import { usesFloat16 } from '../graph/needs';
import { unpackAttention } from './unpack';
import { widenStored } from './widenStored';
import { withoutFloat64 } from './withoutFloat64';

export interface DeviceTraits {
  readonly f16: boolean;
  /** Whether ONNX Runtime's MultiHeadAttention is right on the device. */
  readonly fusesAttention: boolean;
}

export interface SessionTraits {
  /** Whether ONNX Runtime takes attention of many tokens there only with its queries in parts. */
  readonly partsAttention: boolean;
}

/** Pure. `widened` where an f16 graph became one of f32. */
export function runnable(
  model: Model,
  { f16, fusesAttention }: DeviceTraits,
): { readonly model: Model; readonly widened: boolean } {
  const unpacked = widenStored(unpackAttention(floatActivations(withoutFloat64(model))));
  const widened = !f16 && usesFloat16(unpacked);
  const typed = widened ? toFloat32(unpacked) : unpacked;
  const right = padChannels(typed);
  return { model: fuseActivations(fusesAttention ? fuseAttention(right) : right), widened };
}

/** Pure. Nodes of such a graph as a session runs them, once its sites are known: no attention is told behind it. */
export function runnableNodes(
  graph: Graph,
  nodes: readonly GraphNode[],
  { partsAttention }: SessionTraits,
): readonly GraphNode[] {
  return partsAttention ? attentionInParts(graph, nodes) : nodes;
}
