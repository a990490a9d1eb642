// Without any name in the graph, sites get the paths that diffusers gives them. The graphs are real exports of true
// architectures: attention in the first, the last and the middle blocks, of one and of several layers.

import { openAsBlob } from 'node:fs';
import { expect, test } from 'vitest';
import { architectures, files, unetFile } from '../../../fixtures/architectures/golden';
import { readUnetGolden } from '../../../fixtures/models/golden';
import { Graph } from '../graph/graph';
import type { Model } from '../file/model';
import { readModel } from '../file/read';
import { surveySites } from './sites';
import { unpackAttention } from '../passes/unpack';

/** Every node nameless, every value but inputs and outputs called by a number. */
function withoutNames(model: Model): Model {
  const names = new Map(
    ['', ...[...model.inputs, ...model.outputs].map(({ name }) => name)].map((name) => [name, name]),
  );
  const renamed = (name: string) => {
    const known = names.get(name) ?? `v${names.size}`;
    names.set(name, known);
    return known;
  };
  return {
    ...model,
    initializers: new Map(
      [...model.initializers].map(([name, weight]) => [renamed(name), { ...weight, name: renamed(name) }]),
    ),
    nodes: model.nodes.map((node) => ({
      ...node,
      name: '',
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
      captured: node.captured.map(renamed),
    })),
    valueInfo: new Map(),
  };
}

const sitesOf = async (file: Blob) =>
  surveySites(new Graph(withoutNames(unpackAttention(await readModel(file, 'model.onnx'))))).sites;

test.each(Object.entries(files).filter(([name]) => name !== 'sd-sliced'))('%s', async (name, { architecture }) => {
  const sites = await sitesOf(unetFile(name));
  expect(sites.map((site) => ({ name: site.name, heads: site.heads }))).toEqual(architectures[architecture].sites);
});

test('models/tiny, with ComfyUI’s names too', async () => {
  const golden = readUnetGolden('tiny');
  const sites = await sitesOf(await openAsBlob(`${golden.folder}/unet/model.onnx`));
  expect(sites.map(({ name, comfyName, block, heads }) => ({ name, comfyName, block, heads }))).toEqual(golden.sites);
});
