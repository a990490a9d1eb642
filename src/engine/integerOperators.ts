// What is said of operators on integers that a graph keeps, because they stand in an arrangement that is not known.
// (onnx/passes/floatActivations makes floats of the others; weights may be integers anywhere.)

import { integerOperators } from '../onnx/passes/floatActivations';
import { EngineError } from '../protocol/errors';
import type { Backend } from './backend';
import type { OnnxFile } from './onnxFile';

/**
 * A scale that is measured while a UNet runs is one for all rows: what PAG does to a row would change those beside it,
 * and a picture would depend on whether another is compared with it.
 * @throws EngineError `model-invalid` for such a graph.
 */
export function refuseMeasuredScales({ graph, name }: OnnxFile): void {
  const left = integerOperators(graph.model);
  if (!left.some((opType) => opType.startsWith('DynamicQuantize'))) return;
  throw new EngineError(
    'model-invalid',
    `${name} rounds activations by a scale that it measures over all predictions of a step (${left.join(', ')}), ` +
      'so that they would change each other. Choose this model in f16, or with int8 in its weights alone.',
  );
}

/** ONNX Runtime leaves to the CPU what a device has no kernels for, and copies each tensor there and back. */
export function integerNotices(files: readonly OnnxFile[], { computesIntegers }: Backend): string[] {
  if (computesIntegers) return [];
  return files.flatMap(({ graph, name }) => {
    const left = integerOperators(graph.model);
    if (left.length === 0) return [];
    return [
      `${name} computes with integers, for which WebGPU has no kernels: ` +
        `${left.join(', ')} run on the CPU, which is slower.`,
    ];
  });
}
