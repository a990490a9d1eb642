// A VAE decoder of five operators that computes in f16: latents·scale, rounded to f16, over scale again. A scale at
// which the latents leave f16 makes it infinite.

import { cut } from '../../onnx/segments/cut';
import { Graph } from '../../onnx/graph/graph';
import { makeNode } from '../../onnx/file/makeNode';
import { FLOAT, FLOAT16 } from '../../onnx/file/model';
import { MessageWriter } from '../../onnx/file/protobuf';
import { floats, smallModel } from '../../onnx/testing/smallModel';
import { writeSegment } from '../../onnx/segments/write';

/** Of its latents and of its picture. */
export const HALF_VAE_SHAPE = [1, 3, 2, 2];

export function halfVae(scale: number): Blob {
  const node = (opType: string, inputs: string[], output: string, to?: number) =>
    makeNode({ name: output, opType }, inputs, [output], to === undefined ? {} : { to: { int: to } });
  const model = {
    ...smallModel(
      { latents: HALF_VAE_SHAPE },
      [
        node('Mul', ['latents', 'up'], 'large'),
        node('Cast', ['large'], 'half', FLOAT16),
        node('Mul', ['half', 'one'], 'halfToo'),
        node('Cast', ['halfToo'], 'whole', FLOAT),
        node('Mul', ['whole', 'down'], 'out'),
      ],
      {
        up: floats([1], [scale]),
        down: floats([1], [1 / scale]),
        one: { dims: [1], dataType: FLOAT16, raw: Uint8Array.of(0, 0x3c), range: null, encoded: null },
      },
    ),
    opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
  };
  const written = { ...model, outputs: [{ name: 'out', elemType: FLOAT, dims: HALF_VAE_SHAPE }] };
  return new Blob([writeSegment(written, cut(new Graph(written), [])[0]!).bytes]);
}
