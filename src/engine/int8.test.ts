// int8 UNets of ONNX Runtime's quantizers (fixtures/architectures/make_int8.py): every attn1 is found, and cut there
// they predict what diffusers does with the weights before rounding, to what int8 weights cost. Rows do not know each
// other.

import { describe, expect, test } from 'vitest';
import { architectures, predictionOf } from '../../fixtures/architectures/golden';
import { CpuBackend } from './cpuBackend';
import { openExportedFile, predictExported } from './testing/exported';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
const golden = architectures.sd;
/** A weight is rounded to one of 255 steps; some twenty layers add up. */
const BOUND = 0.06;

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

  test('it predicts what diffusers does, perturbed or not', async () => {
    for (const set of ['none', 'several', 'all']) {
      const sites = golden.sets[set] ?? [];
      const error = relativeError(await predictExported(exported, backend, sites), predictionOf('sd-dynamo', set));
      expect(error, set).toBeLessThan(BOUND);
      if (set !== 'none')
        expect(relativeError(predictionOf('sd-dynamo', set), predictionOf('sd-dynamo', 'none'))).toBeGreaterThan(BOUND);
    }
  });
});
