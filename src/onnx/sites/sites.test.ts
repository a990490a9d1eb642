// The sites found in real exports equal the list of diffusers' attn1 modules that PyTorch reports.

import { openAsBlob } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readUnetGolden } from '../../../fixtures/models/golden';
import { cut } from '../segments/cut';
import { Graph } from '../graph/graph';
import { selectSites } from './layers';
import { readModel } from '../file/read';
import { surveySites } from './sites';
import { writeSegment } from '../segments/write';

async function load(id: 'tiny' | 'tiny-f16' | 'pocket') {
  const golden = readUnetGolden(id);
  const model = await readModel(await openAsBlob(`${golden.folder}/unet/model.onnx`), 'unet/model.onnx');
  const graph = new Graph(model);
  return { golden, graph, sites: surveySites(graph).sites };
}

describe.each(['tiny', 'tiny-f16', 'pocket'] as const)('%s', (id) => {
  test('finds every self-attention, in order, with both names and its heads', async () => {
    const { golden, sites } = await load(id);
    expect(sites.map(({ name, comfyName, block, heads }) => ({ name, comfyName, block, heads }))).toEqual(golden.sites);
    for (const site of sites) expect(site.scale).toBeGreaterThan(0);
  });

  test('cuts at any set of sites into segments that can run one after the other', async () => {
    const { graph, sites } = await load(id);
    for (let mask = 0; mask < 1 << sites.length; mask += id === 'tiny' ? 3 : 13) {
      const chosen = sites.filter((_, index) => (mask >> index) & 1);
      const segments = cut(graph, chosen);
      expect(segments.length).toBe(chosen.length + 1);
      const available = new Set(graph.graphInputs);
      for (const segment of segments) {
        expect(segment.inputs.filter((input) => !available.has(input))).toEqual([]);
        for (const output of segment.outputs) available.add(output);
        for (const site of segment.sites) {
          expect([site.q, site.k, site.v].filter((value) => !available.has(value))).toEqual([]);
          available.add(site.output);
        }
      }
      expect(available).toContain(graph.model.outputs[0]?.name);
      const placed = segments.flatMap((segment) => segment.nodes).filter((node) => node.opType === 'Conv');
      expect(placed.length).toBe(graph.model.nodes.filter((node) => node.opType === 'Conv').length);
    }
  });

  test('names weights by ranges of the original file and copies none', async () => {
    const { graph, sites } = await load(id);
    const written = cut(graph, selectSites('mid', sites)).map((segment) => writeSegment(graph.model, segment));
    const ranges = written.flatMap((model) => model.parts);
    expect(new Set(ranges.map((range) => range.offset)).size).toBe(ranges.length);
    const light = written.reduce((sum, model) => sum + model.bytes.length, 0);
    const weights = ranges.reduce((sum, range) => sum + range.length, 0);
    expect(weights).toBeGreaterThan(light / 4);
  });
});
