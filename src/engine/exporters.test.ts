// UNets as each exporter writes them, held to diffusers with the same weights (fixtures/architectures/make.py): every
// attn1 is found, and cut at each, at several and at all of them they predict what diffusers does with PAG.

import { afterAll, describe, expect, test } from 'vitest';
import { architectures, tensorAt, unetFile, type Architecture } from '../../fixtures/architectures/golden';
import { surveySites } from '../onnx/sites';
import { CpuBackend } from './cpuBackend';
import { withoutSites } from './diffusionModel';
import { OnnxFile } from './onnxFile';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';
import { Unet } from './unet';
import { elemType } from './unetInputs';

const backend = new CpuBackend(await loadNodeRuntime());
const never = new AbortController().signal;
const BOTH_PERTURBED = [{ source: 0, identity: 1 }, { source: 1, identity: 1 }];
const NEITHER = [{ source: 0, identity: 0 }, { source: 1, identity: 0 }];

/** f32 sums in another order. */
const BOUND = 2e-5;
/** f16 files have the same weights, but the frequencies of the timestep's sines rounded to f16: an error before any site. */
const HALF_BOUND = 5e-3;

const FILES: readonly [string, Architecture, number][] = [
  ['sd-dynamo', 'sd', BOUND],
  ['sd-dynamo23', 'sd', BOUND],
  ['sd-optimum', 'sd', BOUND],
  ['sd-fused', 'sd', BOUND],
  ['sd-packed16', 'sd', HALF_BOUND],
  ['sdxl-packed16', 'sdxl', HALF_BOUND],
  ['lcm-baddbmm16', 'lcm', HALF_BOUND],
];

const table: string[] = [];
afterAll(() => console.info(['file · sites found of attn1 modules · worst error against diffusers', ...table].join('\n')));

describe.each(FILES)('%s', async (name, architecture, bound) => {
  const golden = architectures[architecture];
  const file = await OnnxFile.open(unetFile(name), `${name}.onnx`, { f16: false, openFile: null });
  const unet = new Unet(backend, file, architecture === 'lcm' ? 8 : null);

  async function predict(siteNames: readonly string[]): Promise<Float32Array> {
    const input = (key: string) => {
      const place = golden.inputs[key];
      if (!place) throw new Error(`No golden input ${key}`);
      return place;
    };
    const { sample, context, textEmbeds, timeIds, timestepCond } = unet.inputs;
    const roles = [[context, 'encoder_hidden_states'], [textEmbeds, 'text_embeds'], [timeIds, 'time_ids'], [timestepCond, 'timestep_cond']] as const;
    const output = await unet.predict(await unet.prepare(unet.sites.filter((site) => siteNames.includes(site.name))), {
      sample: backend.upload(elemType(sample), input('sample').shape, tensorAt(input('sample'))),
      timestep: tensorAt(input('timestep'))[0] as number,
      conditioning: Object.fromEntries(roles.flatMap(([info, key]) => (info ? [[info.name, backend.upload(elemType(info), input(key).shape, tensorAt(input(key)))]] : []))),
      fork: siteNames.length > 0 ? BOTH_PERTURBED : NEITHER,
    }, never);
    return backend.read(output);
  }

  test('its sites are the attn1 modules of diffusers, in order', () => {
    expect(unet.sites.map((site) => ({ name: site.name, heads: site.heads }))).toEqual(golden.sites);
  });

  test('cut at each site, at several and at all, it predicts what diffusers does', async () => {
    let worst = 0;
    const plain = tensorAt((golden.predictions['none'] as { prediction: Parameters<typeof tensorAt>[0] }).prediction);
    for (const [key, { sites, prediction }] of Object.entries(golden.predictions)) {
      const error = relativeError(await predict(sites), tensorAt(prediction));
      expect(error, key).toBeLessThan(bound);
      if (sites.length > 0) expect(relativeError(tensorAt(prediction), plain), `${key} matters`).toBeGreaterThan(5 * bound);
      worst = Math.max(worst, error);
    }
    table.push(`${name} · ${unet.sites.length} of ${golden.sites.length} · ${worst.toExponential(1)}`);
  });
});

describe('what cannot be perturbed', () => {
  test('a UNet with sliced attention has no PAG, and it is said why', async () => {
    const { graph } = await OnnxFile.open(unetFile('sd-sliced'), 'sd-sliced.onnx', { f16: false, openFile: null });
    const { sites, refused } = surveySites(graph);
    expect([sites.length, [...refused.keys()]]).toEqual([0, ['sliced']]);
    expect(withoutSites(refused)).toMatch(/sliced.*PAG scale to 0/);
  });

  test('reasons are told apart', () => {
    expect(withoutSites(new Map())).toMatch(/no self-attention was found/);
    expect(withoutSites(new Map([['masked', 1], ['layout', 3]]))).toMatch(/laid out/);
  });
});
