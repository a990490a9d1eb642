// A text encoder without its table of tokens, the largest of its weights, of which a prompt reads some twenty rows:
// what Gather would take from it is an input instead, and the table stays in its file.

import { FLOAT, FLOAT16, type GraphNode, type Model, type Tensor, type ValueInfo } from '../file/model';
import type { Graph } from '../graph/graph';

export interface TokensOutside {
  readonly model: Model;
  /** The rows of the tokens, [batch, tokens, width]. */
  readonly input: ValueInfo;
  /** [words, width]. */
  readonly table: Tensor;
}

/** What may stand between the tokens' ids and the table; none changes their order. */
const BETWEEN = new Set(['Reshape', 'Cast', 'Identity']);

/** Pure. null where no table of floats in a file is read by the graph's one input of ids, and by nothing else. */
export function tokensOutside(graph: Graph, ids: ValueInfo): TokensOutside | null {
  const { model } = graph;
  /** The ids, under each of their names. */
  const same = new Set([ids.name]);
  for (const { opType, inputs, outputs } of model.nodes)
    if (BETWEEN.has(opType) && same.has(inputs[0] ?? '')) same.add(outputs[0] ?? '');
  const isLookup = ({ opType, attributes, inputs: [table = '', index = ''] }: GraphNode) =>
    opType === 'Gather' && (attributes.get('axis')?.i ?? 0) === 0 && model.initializers.has(table) && same.has(index);
  const lookups = model.nodes.filter(isLookup);
  const [node] = lookups;
  const table = model.initializers.get(node?.inputs[0] ?? '');
  const [rows] = node?.outputs ?? [];
  if (!node || !table?.range || rows === undefined || lookups.length > 1 || ids.dims?.length !== 2) return null;
  const isFloats = table.dataType === FLOAT || table.dataType === FLOAT16;
  const [, width] = table.dims;
  if (!isFloats || table.dims.length !== 2 || width === undefined) return null;
  if (graph.readers(table.name).length > 1 || model.outputs.some(({ name }) => name === rows)) return null;
  const input = { name: rows, elemType: table.dataType, dims: [...ids.dims, width] };
  const initializers = new Map(model.initializers);
  initializers.delete(table.name);
  return {
    model: {
      ...model,
      inputs: [...model.inputs, input],
      nodes: model.nodes.filter((one) => one !== node),
      initializers,
    },
    input,
    table,
  };
}
