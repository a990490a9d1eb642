// One convolution with a kernel of 3×3, as exporters write it. Its numbers are multiples of 1/64, which f16 holds.

import { float32ToFloat16 } from '../../kernels/float16';
import { makeNode } from '../file/makeNode';
import { FLOAT, FLOAT16, INT8, type Model, type Tensor } from '../file/model';
import { MessageWriter } from '../file/protobuf';

/** x [rows, channels, height, width] → out [rows, outChannels, height, width]. */
export function convolutionGraph(channels: number, type: number, outChannels = 8): Model {
  const values = Float32Array.from({ length: outChannels * channels * 9 }, (_, at) => (((at * 7) % 23) - 11) / 64);
  const raw = new Uint8Array((type === FLOAT16 ? float32ToFloat16(values) : values).buffer);
  const info = (name: string, width: number) => ({ name, elemType: type, dims: ['rows', width, 'height', 'width'] });
  return {
    irVersion: 8,
    opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
    functions: [],
    valueInfo: new Map(),
    nodes: [makeNode({ name: 'conv', opType: 'Conv' }, ['x', 'w'], ['out'], { pads: { ints: [1, 1, 1, 1] } })],
    initializers: new Map([
      ['w', { name: 'w', dims: [outChannels, channels, 3, 3], dataType: type, raw, range: null, encoded: null }],
    ]),
    inputs: [info('x', channels)],
    outputs: [info('out', outChannels)],
  };
}

/** One in f32 that keeps its weight in f16. */
export function withCastWeight(channels: number): Model {
  const { initializers } = convolutionGraph(channels, FLOAT16);
  const graph = convolutionGraph(channels, FLOAT);
  const cast = makeNode({ name: 'cast', opType: 'Cast' }, ['w'], ['wide'], { to: { int: FLOAT } });
  const conv = makeNode({ name: 'conv', opType: 'Conv' }, ['x', 'wide'], ['out'], { pads: { ints: [1, 1, 1, 1] } });
  return { ...graph, nodes: [cast, conv], initializers };
}

/** The same numbers as int8, of which one is 1/64. */
export function withInt8Weight(channels: number): Model {
  const graph = convolutionGraph(channels, FLOAT);
  const weight = graph.initializers.get('w') as Tensor;
  const values = new Float32Array((weight.raw as Uint8Array).slice().buffer);
  const w = { ...weight, dataType: INT8, raw: new Uint8Array(Int8Array.from(values, (value) => 64 * value).buffer) };
  const step = { ...weight, name: 'step', dims: [], raw: new Uint8Array(Float32Array.of(1 / 64).buffer) };
  const floats = makeNode({ name: 'floats', opType: 'DequantizeLinear' }, ['w', 'step'], ['wide']);
  const conv = makeNode({ name: 'conv', opType: 'Conv' }, ['x', 'wide'], ['out'], { pads: { ints: [1, 1, 1, 1] } });
  return { ...graph, nodes: [floats, conv], initializers: new Map(Object.entries({ w, step })) };
}
