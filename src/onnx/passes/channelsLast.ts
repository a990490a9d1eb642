// What is added to each channel of a convolution (the timestep's embedding in a ResNet block), [rows, channels] spread
// as [rows, channels, 1, 1], spread as [rows, 1, 1, channels] and transposed instead: ONNX Runtime's WebGPU provider
// has convolutions with their channels last, brings the sum into that layout too, and the transpose and the one that it
// would add are none together.

import { int64s, makeNode } from '../file/makeNode';
import type { GraphNode, Model, Tensor } from '../file/model';
import { Graph } from '../graph/graph';
import { living } from '../graph/living';

const SPREADING = new Set(['Unsqueeze', 'Reshape']);

/** Pure. Needs sizes. */
export function spreadChannelsLast(model: Model): Model {
  const graph = new Graph(model);
  const added = new Map<string, Tensor>();
  const replaced = new Map<GraphNode, readonly GraphNode[]>();
  for (const add of model.nodes) {
    if (add.opType !== 'Add' || !add.inputs.some((input) => graph.producers.get(input)?.opType === 'Conv')) continue;
    for (const value of add.inputs) {
      const last = graph.producers.get(value);
      const [rows, channels, ...image] = graph.shape(value) ?? [];
      if (!last || !rows || !channels || image.join() !== '1,1' || graph.onlyReader(value) !== add) continue;
      let flat = value;
      for (let maker: GraphNode | undefined = last; maker && SPREADING.has(maker.opType); )
        maker = graph.producers.get((flat = maker.inputs[0]!));
      if (graph.shape(flat)?.join() !== `${rows},${channels}`) continue;
      const sizes = int64s(`sizes.${rows}.1.1.${channels}`, [rows, 1, 1, channels]);
      added.set(sizes.name, sizes);
      const spread = `${value}.last`;
      replaced.set(last, [
        makeNode({ name: spread, opType: 'Reshape' }, [flat, sizes.name], [spread]),
        makeNode({ name: last.name, opType: 'Transpose' }, [spread], [value], { perm: { ints: [0, 3, 1, 2] } }),
      ]);
    }
  }
  if (replaced.size === 0) return model;
  const nodes = model.nodes.flatMap((node) => replaced.get(node) ?? [node]);
  const asked = model.outputs.map((output) => output.name);
  return { ...model, nodes: living(nodes, asked), initializers: new Map([...model.initializers, ...added]) };
}
