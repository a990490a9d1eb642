// Convolutions whose channels are padded give what they gave, however their weights lie.

import { expect, test } from 'vitest';
import { inferFacts } from '../onnx/graph/facts';
import { FLOAT, FLOAT16 } from '../onnx/file/model';
import { readModel } from '../onnx/file/read';
import { runnable } from '../onnx/passes/runnable';
import { convolutionGraph, withCastWeight, withInt8Weight } from '../onnx/testing/convolutionGraph';
import { writeSegment } from '../onnx/segments/write';
import { CpuBackend } from './cpuBackend';
import { convolve, convolveAsItIs } from './testing/convolve';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());

test.each([
  ['in the file', convolutionGraph(9, FLOAT), 12],
  ['in the graph, where they are few', convolutionGraph(6, FLOAT, 1), 8],
  ['in f16, for a device that has none', convolutionGraph(33, FLOAT16), 36],
  ['in f16 in the graph, for a device that has none', convolutionGraph(6, FLOAT16, 2), 8],
  ['in f16, with a Cast behind them', withCastWeight(15), 16],
  ['of int8, with a DequantizeLinear behind them', withInt8Weight(9), 12],
])('weights %s', async (_, graph, channels) => {
  const type = graph.inputs[0]?.elemType ?? 0;
  const plain =
    type === FLOAT16
      ? convolutionGraph(Number(graph.inputs[0]?.dims?.[1]), FLOAT, Number(graph.outputs[0]?.dims?.[1]))
      : graph;
  const { bytes } = writeSegment(graph, { nodes: graph.nodes, inputs: ['x'], outputs: ['out'], sites: [] });
  const { model } = runnable(await readModel(new Blob([bytes]), 'convolution.onnx'), backend);
  const conv = model.nodes.find(({ opType }) => opType === 'Conv');
  expect(inferFacts(model).shapes.get(conv?.inputs[1] ?? '')?.[1]).toBe(channels);
  expect(relativeError(await convolve(backend, graph), await convolveAsItIs(backend, plain))).toBeLessThan(1e-6);
});

test.each([3, 5, 8, 10, 12])('with %d channels a convolution stays as it is', (channels) => {
  const graph = convolutionGraph(channels, FLOAT);
  expect(runnable(graph, backend).model.nodes).toEqual(graph.nodes);
});
