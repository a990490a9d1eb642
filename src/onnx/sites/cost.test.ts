// Costs of the tiny UNet: a whole forward as PyTorch counts it (fixtures/models/make_flops.py), and what is behind a
// site as a cut there leaves it.

import { openAsBlob, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { siteCosts } from './cost';
import { cut } from '../segments/cut';
import { inferFacts } from '../graph/facts';
import { Graph } from '../graph/graph';
import { multiplyAccumulates } from '../graph/needs';
import { readModel } from '../file/read';
import { surveySites } from './sites';

interface Count {
  readonly channels: number;
  readonly edge: number;
  readonly tokens: number;
  readonly width: number;
  readonly macs: number;
}
const { counts } = JSON.parse(readFileSync('fixtures/models/flops.json', 'utf8')) as { counts: Record<string, Count> };

describe.each(Object.entries(counts))('%s', async (folder, { channels, edge, tokens, width, macs }) => {
  const graph = new Graph(await readModel(await openAsBlob(`${folder}/model.onnx`), 'model.onnx'));
  const sites = surveySites(graph).sites;
  const dims = new Map([
    ['sample', [1, channels, edge, edge]],
    ['timestep', [1]],
    ['encoder_hidden_states', [1, tokens, width]],
  ]);
  const facts = inferFacts(graph.model, dims);
  const sum = (nodes: readonly (typeof graph.model.nodes)[number][]) =>
    nodes.reduce((total, node) => total + (multiplyAccumulates(node, facts) ?? NaN), 0);

  it('costs what PyTorch counts', () => {
    expect(sum(graph.model.nodes) / macs).toBeCloseTo(1, 2);
  });

  it('has behind each site what a cut there leaves', () => {
    const found = siteCosts(graph, sites, dims);
    expect(found).toHaveLength(7);
    for (const [index, site] of sites.entries()) {
      const [, behind] = cut(graph, [site]);
      const share = sum(behind!.nodes) / sum(graph.model.nodes);
      expect(found[index]!.share).toBeGreaterThan(0);
      // The cut also repeats what no row needs before it: keys and values of the prompt.
      expect(share - found[index]!.share!).toBeGreaterThan(-1e-9);
      expect(share - found[index]!.share!).toBeLessThan(0.06);
    }
    const shares = found.map(({ share }) => share!);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(found.map((cost) => cost.tokens)).toEqual([
      edge ** 2,
      ...new Array<number>(4).fill(edge ** 2 / 4),
      edge ** 2,
      edge ** 2,
    ]);
  });

  it('is not known where a size is not', () => {
    const [first] = siteCosts(graph, sites, new Map([['encoder_hidden_states', [1, tokens, width]]]));
    expect(first).toEqual({ tokens: null, share: null });
  });
});
