// int8 UNets of ONNX Runtime's quantizers (fixtures/architectures/make_int8.py): every attn1 is found, and cut there
// they predict what the model does whose weights are the rounded ones, as floats. Rows do not know each other.

import { describe, expect, test } from 'vitest';
import { architectures, predictionOf, unetFile } from '../../fixtures/architectures/golden';
import { CpuBackend } from './cpuBackend';
import { OnnxFile } from './onnxFile';
import { openExportedFile, predictExported } from './testing/exported';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { withRoundedWeights } from './testing/roundedWeights';
import { relativeError } from './testing/unetChecks';
import { Unet } from './unet';

const backend = new CpuBackend(await loadNodeRuntime());
const golden = architectures.sd;
/** The same f32 numbers are summed; it was 0 where this was written. */
const BOUND = 1e-6;

describe.each(['sd-int8', 'sd-int8-columns', 'sd-int8-qdq'])('%s', async (name) => {
  const exported = await openExportedFile(name, 'sd-dynamo', backend);

  test('its sites are those of the file that was quantized', () => {
    expect(exported.unet.sites.map((site) => ({ name: site.name, heads: site.heads }))).toEqual(golden.sites);
  });

  test('no operator is left that measures one scale over all rows, or has no kernel on WebGPU', () => {
    const operators = new Set(exported.file.graph.model.nodes.map(({ opType }) => opType));
    expect([...operators].filter((opType) => /Integer|^QuantizeLinear|DynamicQuantize/.test(opType))).toEqual([]);
    expect(operators).toContain('DequantizeLinear');
  });

  test('it predicts what the model does with the rounded weights, perturbed or not', async () => {
    const rounded = await withRoundedWeights(unetFile('sd-dynamo'), unetFile(name));
    const file = await OnnxFile.open(rounded, 'rounded.onnx', { device: backend, openFile: null });
    const floats = { info: exported.info, file, unet: new Unet(backend, file, {}) };
    const none = await predictExported(floats, backend, []);
    for (const set of ['none', 'several', 'all']) {
      const sites = golden.sets[set] ?? [];
      const expected = set === 'none' ? none : await predictExported(floats, backend, sites);
      expect(relativeError(await predictExported(exported, backend, sites), expected), set).toBeLessThan(BOUND);
      // The rounding of weights is far below what a perturbation changes.
      const cost = relativeError(expected, predictionOf('sd-dynamo', set));
      expect(cost).toBeGreaterThan(BOUND);
      if (set !== 'none') expect(relativeError(expected, none)).toBeGreaterThan(2 * cost);
    }
  });
});
