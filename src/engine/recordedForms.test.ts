// Segments made for their sizes, as they are recorded on a GPU, for UNets as each exporter writes them: they predict
// what diffusers does, and nothing is left in them that ONNX Runtime would keep on the CPU, nor an activation, a
// residual norm or the end of a GroupNorm made of separate operators.

import { afterAll, expect, test } from 'vitest';
import { architectures, files, predictionOf } from '../../fixtures/architectures/golden';
import { factsAt } from '../onnx/graph/factsOf';
import { FLOAT, FLOAT16 } from '../onnx/file/model';
import { withFewerDispatches } from '../onnx/passes/fewerDispatches';
import { specialise } from '../onnx/segments/specialise';
import { CPU_F32 as BOUND } from './testing/bounds';
import { openExported, predictExported } from './testing/exported';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { RecordingBackend } from './testing/recordingBackend';
import { goldenRow, openGoldenUnet, predictRows, relativeError } from './testing/unetChecks';

const backend = new RecordingBackend(await loadNodeRuntime());

/** One that has no sites, and those whose batch cannot be freed. */
const UNRECORDED = ['sd-sliced', 'sd-static'];
const NAMES = Object.keys(files).filter((name) => !UNRECORDED.includes(name));

const table: string[] = [];
afterAll(() =>
  console.info(
    ['file · nodes of the whole graph · made for its sizes · with fewer dispatches · worst error', ...table].join('\n'),
  ),
);

test.each(NAMES)('%s', async (name) => {
  const exported = await openExported(name, backend);
  const { unet, info } = exported;
  const golden = architectures[info.architecture];
  const all = golden.sites.map((site) => site.name);
  const expected = predictionOf(name, 'all');
  const error = relativeError(await predictExported(exported, backend, all, all, undefined, true), expected);
  expect(error).toBeLessThan(BOUND);

  const dims = unet.inputDims(golden.inputs['sample']!.shape.slice(1) as [number, number, number], 2);
  dims.set(unet.inputs.context.name, golden.inputs['encoder_hidden_states']!.shape);
  const whole = unet.file.upTo(unet.file.outputs.map((output) => output.name));
  const sized = specialise(unet.file.graph.model, whole, dims)!;
  const { types } = factsAt(sized.model, new Map());
  const integers = sized.segment.nodes.filter((node) =>
    node.outputs.some((output) => ![FLOAT, FLOAT16].includes(types.get(output) ?? FLOAT)),
  );
  expect(integers.filter((node) => node.opType !== 'Constant').map((node) => `${node.opType} ${node.name}`)).toEqual(
    [],
  );
  // Constants that f16 has rounded, in files that are widened, are not those of the activation.
  const separate = sized.segment.nodes.filter(
    ({ opType }) => opType === 'Sigmoid' || (opType === 'Erf' && !name.endsWith('16')),
  );
  expect(separate.map((node) => node.name)).toEqual([]);
  const sent = withFewerDispatches(sized.model).nodes;
  const { weights } = factsAt(sized.model, new Map());
  const count = (opType: string) => sent.filter((node) => node.opType === opType).length;
  expect(count('BatchNormalization')).toBe(count('InstanceNormalization'));
  // A bias is no residual: it is ONNX Runtime's to add with the product.
  const sums = new Set(
    sent
      .filter(({ opType, inputs }) => opType === 'Add' && !inputs.some((input) => weights.has(input)))
      .map(({ outputs }) => outputs[0]!),
  );
  const normsOfSums = sent.filter((node) => node.opType === 'LayerNormalization' && sums.has(node.inputs[0]!));
  expect(normsOfSums.map((node) => node.name)).toEqual([]);
  table.push(
    `${name} · ${whole.nodes.length} · ${sized.segment.nodes.length} · ${sent.length} · ${error.toExponential(1)}`,
  );
  await unet.dispose();
});

test.each(['mid', 'down', 'all'])('forked at %s, three rows of two, then two of two and three again', async (key) => {
  const opened = await openGoldenUnet('tiny', backend);
  const sites = opened.golden.predictions.get(key)!.sites;
  const fork = [
    { source: 0, identity: 0 },
    { source: 1, identity: 0 },
    { source: 1, identity: 1 },
  ];
  for (const rows of [fork, fork.slice(0, 2), fork]) {
    const predicted = await predictRows(opened, backend, sites, [0, 1], rows, {}, true);
    const errors = predicted.map((row, at) =>
      relativeError(row, goldenRow(opened.golden, at === 2 ? key : 'none', Math.min(at, 1))),
    );
    expect(Math.max(...errors), errors.join()).toBeLessThan(BOUND);
  }
  await opened.unet.dispose();
});
