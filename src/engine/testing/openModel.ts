// A model opened for a test that asks neither what it needs nor what people are told of it.

import type { Backend } from '../backend';
import { openModel as openFor, type DiffusionModel } from '../diffusionModel';
import type { ModelFiles } from '../modelFiles';

export function openModel(backend: Backend, files: ModelFiles, id: string): Promise<DiffusionModel> {
  const run = { compare: true, guidanceScale: 3, pagScale: 3, width: 0, height: 0 };
  return openFor(backend, files, id, { run, weigh: () => {}, notice: () => {} });
}
