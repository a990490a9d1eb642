// Whether a device replays what ONNX Runtime has recorded of a session: out = a·b + a, recorded with one `a` and
// replayed with others. Wrong replays were reported of it (onnxruntime #29594).

import { makeNode } from '../onnx/file/makeNode';
import { FLOAT } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import { writeSegment } from '../onnx/segments/write';
import type { Backend, Capturing, DeviceTensor } from './backend';

const LENGTH = 64;

/** Throws what the session throws: that says nothing of the replay. */
export async function replaysRecordings(backend: Backend, capturing: Capturing): Promise<boolean> {
  const inputs = ['a', 'b'].map((name) => ({ name, type: 'float32' as const, dims: [LENGTH] }));
  const outputs = [{ name: 'out', type: 'float32' as const, dims: [LENGTH] }];
  const session = await capturing.session(graph(), new Blob(), 'a check of graph capture', inputs, outputs);
  try {
    const b = sixteenths(7);
    capturing.write(session.inputs['b']!, b);
    for (const phase of [1, 2, 3]) {
      const a = sixteenths(phase);
      capturing.write(session.inputs['a']!, a);
      await session.run();
      const out: DeviceTensor = session.outputs['out']!;
      const actual = await backend.read(out);
      if (!a.every((value, at) => actual[at] === value * b[at]! + value)) return false;
    }
    return true;
  } finally {
    await session.dispose();
  }
}

/** Their products and sums are exact. */
function sixteenths(phase: number): Float32Array {
  return Float32Array.from({ length: LENGTH }, (_, at) => Math.round(16 * Math.sin(phase + at)) / 16);
}

function graph(): Uint8Array {
  const nodes = [
    makeNode({ name: 'product', opType: 'Mul' }, ['a', 'b'], ['product']),
    makeNode({ name: 'sum', opType: 'Add' }, ['product', 'a'], ['out']),
  ];
  const value = (name: string) => ({ name, elemType: FLOAT, dims: [LENGTH] });
  return writeSegment(
    {
      irVersion: 8,
      opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
      functions: [],
      initializers: new Map(),
      valueInfo: new Map(),
      nodes,
      inputs: [value('a'), value('b')],
      outputs: [value('out')],
    },
    { nodes, inputs: ['a', 'b'], outputs: ['out'], sites: [] },
  ).bytes;
}
