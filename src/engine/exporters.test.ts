// UNets as each exporter writes them, held to diffusers with the same weights (fixtures/architectures/make.py): every
// attn1 is found, and cut at each, at several and at all of them they predict what diffusers does with PAG.

import { afterAll, describe, expect, test } from 'vitest';
import { architectures, files, predictionOf, unetFile } from '../../fixtures/architectures/golden';
import { takesHeadDim } from '../kernels/attentionTiles';
import { Graph } from '../onnx/graph/graph';
import { surveySites } from '../onnx/sites/sites';
import { attentionGraph } from '../onnx/testing/attentionGraph';
import { CpuBackend } from './cpuBackend';
import { withoutSites } from './diffusionModel';
import { OnnxFile } from './onnxFile';
import { CPU_F32 as BOUND } from './testing/bounds';
import { openExported, predictExported } from './testing/exported';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());

/** Two of the files are there for what they cannot do, and have tests of their own. */
const NAMES = Object.keys(files).filter((name) => name !== 'sd-static' && name !== 'sd-sliced');

/**
 * One file an architecture is cut anew for each set of sites.
 * The others are cut once, at all: single sites do ordinary attention.
 */
const CUT_ANEW = ['sd-dynamo', 'sd2-optimum', 'sdxl-packed16', 'lcm-dynamo'];

const table: string[] = [];
afterAll(() =>
  console.info(['file · sites found of attn1 modules · worst error against diffusers', ...table].join('\n')),
);

describe.each(NAMES)('%s', async (name) => {
  const exported = await openExported(name, backend);
  const golden = architectures[exported.info.architecture];

  test('its sites are the attn1 modules of diffusers, in order', () => {
    expect(exported.unet.sites.map((site) => ({ name: site.name, heads: site.heads }))).toEqual(golden.sites);
  });

  test('perturbed at each site, at several and at all, it predicts what diffusers does', async () => {
    const all = golden.sites.map((site) => site.name);
    let worst = 0;
    for (const [key, sites] of Object.entries(golden.sets)) {
      const expected = predictionOf(name, key);
      const error = relativeError(
        await predictExported(exported, backend, sites, CUT_ANEW.includes(name) || sites.length === 0 ? sites : all),
        expected,
      );
      expect(error, key).toBeLessThan(BOUND);
      if (sites.length > 0)
        expect(relativeError(expected, predictionOf(name, 'none')), `${key} matters`).toBeGreaterThan(100 * BOUND);
      worst = Math.max(worst, error);
    }
    table.push(`${name} · ${exported.unet.sites.length} of ${golden.sites.length} · ${worst.toExponential(1)}`);
    await exported.unet.dispose();
  });
});

describe('what cannot be perturbed', () => {
  test('a UNet with sliced attention has no PAG, and it is said why', async () => {
    const { graph } = await OnnxFile.open(unetFile('sd-sliced'), 'sd-sliced.onnx', { device: backend, openFile: null });
    const { sites, refused } = surveySites(graph);
    expect([sites.length, [...refused.keys()]]).toEqual([0, ['sliced']]);
    expect(withoutSites(refused)).toMatch(/sliced.*PAG scale of 0/);
  });

  test('heads of a size that the GPU kernel does not take are left out there, under the names of all', async () => {
    const { graph } = await OnnxFile.open(unetFile('sd-dynamo'), 'sd-dynamo.onnx', { device: backend, openFile: null });
    const all = surveySites(graph).sites;
    const dims = all.map((site) => (graph.shape(site.q)?.at(-1) ?? 0) / site.heads);
    const { sites, refused } = surveySites(graph, (headDim) => headDim !== dims[0]);
    expect(sites).toEqual(all.filter((_, index) => dims[index] !== dims[0]));
    expect([...refused]).toEqual([['headDim', all.length - sites.length]]);
    const odd = new Graph(attentionGraph(2, 12));
    expect([surveySites(odd).sites.length, surveySites(odd, takesHeadDim).sites.length]).toEqual([1, 0]);
    expect(withoutSites(surveySites(odd, takesHeadDim).refused)).toMatch(/WebGPU.*multiple of 4.*choose the CPU/);
    expect([4, 40, 256, 0, 6, 260, 6.5].filter(takesHeadDim)).toEqual([4, 40, 256]);
  });

  test('reasons are told apart', () => {
    expect(withoutSites(new Map())).toMatch(/no self-attention was found/);
    expect(
      withoutSites(
        new Map([
          ['masked', 1],
          ['layout', 3],
        ]),
      ),
    ).toMatch(/laid out/);
  });
});
