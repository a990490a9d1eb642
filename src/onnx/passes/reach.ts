// How far a local part of a graph reaches: which margin a tile of its inputs must bring so that its results are those
// of the whole picture. Maps are [1, channels, height, width]; lengths are counted in pixels of the part's inputs.
//
//   Conv of k taps: max(p, k − 1 − p) further     Resize ×n: n times the pixels     by element: as far as its operands

import type { Facts } from '../graph/facts';
import type { GraphNode } from '../file/model';
import { readsOf } from '../file/order';
import { ELEMENTWISE } from '../operators/elementwise';
import { repeats } from './tailInTiles';

export interface Reach {
  /** Pixels of the inputs around a tile, to each side. */
  readonly margin: number;
  /** Of which a tile's bounds are multiples. */
  readonly align: number;
  /** Pixels of each output along an edge for one of the inputs, by name. */
  readonly scales: ReadonlyMap<string, number>;
  /** Of all values on the way, the most numbers for one pixel of the inputs. */
  readonly mostNumbers: number;
}

interface Local {
  readonly scale: number;
  readonly reach: number;
  /** Pixels that a Pad has added behind the end. */
  readonly added: number;
}

/**
 * Pure. null where something is not local.
 * @param facts of the whole graph at the sizes of a run, for channels and kernels.
 * @param maps inputs that are maps, all of one size.
 * @param factors inputs with one number a channel.
 */
export function reachOf(
  { shapes, values }: Pick<Facts, 'shapes' | 'values'>,
  nodes: readonly GraphNode[],
  { maps, factors, outputs }: Record<'maps' | 'factors' | 'outputs', readonly string[]>,
): Reach | null {
  const known = new Map<string, Local>(maps.map((name) => [name, { scale: 1, reach: 0, added: 0 }]));
  const channels = (name: string) => shapes.get(name)?.[1] ?? 0;
  let mostNumbers = Math.max(...maps.map(channels));
  for (const node of nodes) {
    const reads = readsOf(node).filter((name) => known.has(name));
    if (reads.length === 0) continue;
    const local = behind(node, reads);
    if (!local) return null;
    for (const output of node.outputs) {
      known.set(output, local);
      mostNumbers = Math.max(mostNumbers, channels(output) * local.scale ** 2);
    }
  }
  const ends = outputs.map((name) => known.get(name));
  if (!ends.every((end) => end?.added === 0)) return null;
  const align = Math.max(1, ...[...known.values()].map(({ scale }) => 1 / scale));
  const most = Math.max(0, ...ends.map((end) => end!.reach));
  return {
    margin: align * Math.ceil(most / align),
    align,
    scales: new Map(outputs.map((name, at) => [name, ends[at]!.scale])),
    mostNumbers,
  };

  function behind(node: GraphNode, reads: readonly string[]): Local | null {
    const [first] = reads.map((name) => known.get(name)!) as [Local];
    const onlyFirst = reads.length === 1 && reads[0] === node.inputs[0];
    if (node.opType === 'Conv') return onlyFirst ? convolved(node, first) : null;
    if (node.opType === 'Pad') return onlyFirst ? padded(node, first) : null;
    if (first.added > 0) return null;
    if (node.opType === 'Resize') {
      const times = onlyFirst ? repeats(node, shapes) : null;
      return times === null ? null : { ...first, scale: first.scale * times };
    }
    if (!Object.hasOwn(ELEMENTWISE, node.opType)) return null;
    const others = node.inputs.filter((name) => name !== '' && !known.has(name));
    const alike = reads.every((name) => known.get(name)!.scale === first.scale && known.get(name)!.added === 0);
    if (!alike || !others.every(isSameEverywhere)) return null;
    return { ...first, reach: Math.max(...reads.map((name) => known.get(name)!.reach)) };
  }

  function convolved({ attributes, inputs }: GraphNode, { scale, reach, added }: Local): Local | null {
    const kernel = shapes.get(inputs[1] ?? '')?.slice(2) ?? [];
    const at = (name: string, axis: number, usual: number) => attributes.get(name)?.ints[axis] ?? usual;
    if (kernel.length !== 2 || !['', 'NOTSET'].includes(attributes.get('auto_pad')?.s ?? '')) return null;
    const stride = at('strides', 0, 1);
    if (at('strides', 1, 1) !== stride) return null;
    let far = 0;
    for (const [axis, taps] of kernel.entries()) {
      const span = at('dilations', axis, 1) * ((taps ?? NaN) - 1);
      const [before, after] = [at('pads', axis, 0), at('pads', axis + 2, 0) + added];
      // An output as large as the input, divided by the stride.
      if (!(before + after <= span && before + after > span - stride)) return null;
      far = Math.max(far, before, span - before);
    }
    return { scale: scale / stride, reach: reach + far / scale, added: 0 };
  }

  function padded(node: GraphNode, local: Local): Local | null {
    const pads = node.attributes.get('pads')?.ints ?? values.get(node.inputs[1] ?? '');
    const isZero = (node.attributes.get('mode')?.s || 'constant') === 'constant' && !node.inputs[2];
    const [end, right] = [pads?.[6], pads?.[7]];
    const onlyEnds = pads?.length === 8 && pads.every((pad, at) => pad === 0 || at > 5);
    return isZero && onlyEnds && typeof end === 'number' && end === right
      ? { ...local, added: local.added + end }
      : null;
  }

  function isSameEverywhere(name: string): boolean {
    return (
      factors.includes(name) ||
      (shapes
        .get(name)
        ?.slice(-2)
        .every((dim) => dim === 1) ??
        false)
    );
  }
}
