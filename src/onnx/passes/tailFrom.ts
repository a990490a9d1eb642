// The end of a graph once more, from another of its values: what clip skip asks of a text encoder, whose final norm
// then reads an earlier layer's state.

import type { Graph } from '../graph/graph';
import { withNames } from '../file/makeNode';
import type { GraphNode, Model } from '../file/model';

export interface Tail {
  /** The value that the end reads, and the output that it makes of it. */
  readonly from: string;
  readonly result: string;
  /** What it is to read instead, of the same shape and type. */
  readonly instead: string;
}

/** A norm in separate operators has nine nodes; much more is no end of a text encoder. */
const MOST_NODES = 24;

/** What the new output is called. */
export const tailName = ({ result, instead }: Pick<Tail, 'result' | 'instead'>): string => `${result} of ${instead}`;

/** Pure. The graph with one more output, `tailName`; null where its result is not made of `from`, or by far more. */
export function withTailFrom({ model, producers }: Graph, tail: Tail): Model | null {
  const { from, result, instead } = tail;
  const of = model.outputs.find(({ name }) => name === result);
  const changed = new Map<GraphNode, boolean>();
  const dependsOn = (value: string): boolean => {
    if (value === from) return true;
    const node = producers.get(value);
    if (!node || changed.size > MOST_NODES) return false;
    const known = changed.get(node);
    if (known !== undefined) return known;
    changed.set(node, false);
    const depends = node.inputs.map(dependsOn).some(Boolean);
    changed.set(node, depends);
    return depends;
  };
  if (!of || !dependsOn(result) || changed.size > MOST_NODES) return null;
  const renamed = (value: string) => {
    if (value === from) return instead;
    const node = producers.get(value);
    return node && changed.get(node) ? tailName({ result: value, instead }) : value;
  };
  const again = model.nodes
    .filter((node) => changed.get(node))
    .map((node) =>
      withNames(node, {
        name: tailName({ result: node.name, instead }),
        inputs: node.inputs.map(renamed),
        outputs: node.outputs.map((output) => (output === '' ? '' : renamed(output))),
      }),
    );
  return {
    ...model,
    nodes: [...model.nodes, ...again],
    outputs: [...model.outputs, { ...of, name: tailName(tail) }],
  };
}
