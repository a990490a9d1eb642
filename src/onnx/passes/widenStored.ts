// Weights that a graph only keeps in f16, with a Cast to f32 behind each, are widened as they are read instead: ONNX
// Runtime would fold the Casts when it builds a session, into copies in WASM memory.

import { asType } from '../file/inUse';
import { FLOAT, FLOAT16, type Model, type Tensor } from '../file/model';
import { readsOf } from '../file/order';

/** Pure. Small weights, which lie in the graph, keep their Casts. */
export function widenStored(model: Model): Model {
  const outputs = new Set(model.outputs.map((output) => output.name));
  const widened = new Map<string, Tensor>();
  const nodes = model.nodes.filter((node) => {
    const [input = ''] = node.inputs;
    const [output = ''] = node.outputs;
    const weight = model.initializers.get(input);
    if (
      node.opType !== 'Cast' ||
      node.attributes.get('to')?.i !== FLOAT ||
      weight?.dataType !== FLOAT16 ||
      !weight.range ||
      outputs.has(output)
    )
      return true;
    widened.set(output, { ...asType(weight, FLOAT), name: output });
    return false;
  });
  if (widened.size === 0) return model;
  const read = new Set(nodes.flatMap(readsOf));
  const kept = [...model.initializers].filter(([name, weight]) => weight.dataType !== FLOAT16 || read.has(name));
  return { ...model, nodes, initializers: new Map([...kept, ...widened]) };
}
