// An f16 graph as an f32 graph with the same weights, for devices that have no f16: the bytes of each f16 weight are
// marked to be widened as they are read, everything declared f16 becomes f32, and casts to f16 cast to f32 instead.
// Sums are then more exact than the exporter's; nothing else changes. Small weights, which lie in the graph, pass a
// Cast: for large ones ONNX Runtime would fold it into copies in WASM memory, which 1.7 GB of f16 do not fit.

import { tensorValues } from '../operators/values';
import { asType } from '../file/inUse';
import { float32Tensor, makeNode } from '../file/makeNode';
import { FLOAT, FLOAT16, type Model, type GraphNode, type Tensor, type ValueInfo } from '../file/model';
import { MessageWriter } from '../file/protobuf';

/** Pure: the given model is left as it is. */
export function toFloat32(model: Model): Model {
  const initializers = new Map<string, Tensor>();
  const casts: GraphNode[] = [];
  const addHalf = (value: string, tensor: Tensor) => {
    const name = `${value}.f16`;
    initializers.set(name, named(tensor, name));
    casts.push(cast(name, value));
  };
  for (const [name, weight] of model.initializers) {
    if (weight.dataType !== FLOAT16) initializers.set(name, weight);
    else if (weight.range) initializers.set(name, asType(weight, FLOAT));
    else addHalf(name, weight);
  }
  const nodes = model.nodes.flatMap((node) => {
    const output = node.outputs[0] ?? '';
    const constant = node.attributes.get('value')?.tensor;
    if (node.opType === 'Cast' && node.attributes.get('to')?.i === FLOAT16)
      return [cast(node.inputs[0] ?? '', output, node.name)];
    if (constant?.dataType !== FLOAT16) return [node];
    if (node.opType === 'ConstantOfShape') return [filled(node, tensorValues(constant)?.[0] ?? 0)];
    addHalf(output, constant);
    return [];
  });
  return {
    ...model,
    nodes: [...casts, ...nodes],
    initializers,
    inputs: model.inputs.map(single),
    outputs: model.outputs.map(single),
    valueInfo: new Map([...model.valueInfo].map(([name, info]) => [name, single(info)])),
  };
}

function single(info: ValueInfo): ValueInfo {
  return info.elemType === FLOAT16 ? { ...info, elemType: FLOAT } : info;
}

/** In an encoded message the last of several name fields counts. */
function named(tensor: Tensor, name: string): Tensor {
  if (!tensor.encoded) return { ...tensor, name };
  const suffix = new MessageWriter().string(8, name).finish();
  const encoded = new Uint8Array(tensor.encoded.length + suffix.length);
  encoded.set(tensor.encoded);
  encoded.set(suffix, tensor.encoded.length);
  return { ...tensor, name, encoded };
}

function cast(input: string, output: string, name = `${output}.cast`): GraphNode {
  return makeNode({ name, opType: 'Cast' }, [input], [output], { to: { int: FLOAT } });
}

/** A ConstantOfShape with an f32 value. */
function filled(node: GraphNode, value: number): GraphNode {
  return makeNode({ name: node.name, opType: 'ConstantOfShape' }, node.inputs, [node.outputs[0] ?? ''], {
    value: { tensor: float32Tensor(value) },
  });
}
