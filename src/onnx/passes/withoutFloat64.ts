// A graph that computes in f64 as one that computes in f32: neither WebGPU nor ONNX Runtime's WASM build has f64, not
// even as the end of a Cast. PyTorch's exporter writes the layer norms of a half-precision model so below opset 17
// (x² and the variance, because its constants 2 and ε are f64); diffusers' own script for f16 exports with opset 14.

import { tensorValues } from '../operators/values';
import { makeNode } from '../file/makeNode';
import { DOUBLE, FLOAT, type Model, type Tensor, type ValueInfo } from '../file/model';

/** Pure. Without f64 the model comes back as it is. */
export function withoutFloat64(model: Model): Model {
  const initializers = new Map<string, Tensor>();
  for (const [name, weight] of model.initializers) initializers.set(name, single(weight, name) ?? weight);
  let changed = [...initializers].some(([name, weight]) => weight !== model.initializers.get(name));
  const nodes = model.nodes.flatMap((node) => {
    const [output = ''] = node.outputs;
    if (node.opType === 'Cast' && node.attributes.get('to')?.i === DOUBLE) {
      changed = true;
      return [makeNode({ name: node.name, opType: 'Cast' }, node.inputs, [output], { to: { int: FLOAT } })];
    }
    const constant = node.opType === 'Constant' ? node.attributes.get('value')?.tensor : null;
    const value = constant ? single(constant, output) : null;
    if (!value) return [node];
    changed = true;
    initializers.set(output, value);
    return [];
  });
  const valueInfo = new Map(
    [...model.valueInfo].map(([name, info]): [string, ValueInfo] => [
      name,
      info.elemType === DOUBLE ? { ...info, elemType: FLOAT } : info,
    ]),
  );
  return changed ? { ...model, nodes, initializers, valueInfo } : model;
}

/** Null for what is not f64, and for what is too large to be a constant of the exporter's. */
function single(tensor: Tensor, name: string): Tensor | null {
  const values = tensor.dataType === DOUBLE ? tensorValues(tensor) : null;
  if (!values) return null;
  const raw = new Uint8Array(Float32Array.from(values, (value) => value ?? 0).buffer);
  return { name, dims: tensor.dims, dataType: FLOAT, raw, range: null, encoded: null };
}
