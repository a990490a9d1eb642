// What follows from a graph is inferred once for each form that a pass gives it, and once for each size of its inputs:
// counted over a whole load, since a pass over a UNet of thousands of nodes takes a tenth of a second in a browser.

import { expect, test, vi } from 'vitest';
import type { inferFacts } from '../onnx/graph/facts';
import type { Model } from '../onnx/file/model';
import { CpuBackend } from './cpuBackend';
import { openModel } from './testing/openModel';
import { readModelFiles } from './modelFiles';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';

const passes: { readonly model: Model; readonly sizes: string }[] = [];

vi.mock(import('../onnx/graph/facts'), async (original) => {
  const actual = await original();
  return {
    ...actual,
    inferFacts: (...args: Parameters<typeof inferFacts>) => {
      const [model, dims] = args;
      passes.push({ model, sizes: dims ? JSON.stringify([...dims]) : 'as declared' });
      return actual.inferFacts(...args);
    },
  };
});

test('a load and a cut at every site infer the same facts of the same graph once', async () => {
  const backend = new CpuBackend(await loadNodeRuntime());
  const model = await openModel(backend, await readModelFiles(folder('fixtures/models/tiny')), 'tiny');
  await model.unet.prepare(model.unet.sites);
  await model.prompts.encode({ positive: 'a', negative: 'b' });
  const graphs = new Set(passes.map((pass) => pass.model));
  const kinds = new Set(passes.map((pass) => `${[...graphs].indexOf(pass.model)} ${pass.sizes}`));
  expect(passes).toHaveLength(kinds.size);
  // The UNet as it is, in two forms on the way to the one that runs, and that with the rows of a run, with one and of
  // another size; the text encoder as it is, and without its table of tokens as declared and as it runs; the decoder as
  // declared, as it runs and of another size, and the beginnings of its two ways in tiles.
  expect(passes).toHaveLength(14);
});
