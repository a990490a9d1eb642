// A graph's facts, inferred once: a model never changes, a pass makes another one, so what was inferred of it holds for
// as long as it is there. Inputs come in few sizes at a time: those of a run, and those of one row.

import type { Model } from '../file/model';
import type { PartialValues } from '../operators/values';
import { inferFacts, type Facts } from './facts';

const SIZES_KEPT = 2;

const declared = new WeakMap<Model, Facts>();
const sized = new WeakMap<Model, Map<string, Facts>>();

/** What follows from the sizes that the model declares. */
export function factsOf(model: Model): Facts {
  const known = declared.get(model);
  if (known) return known;
  const facts = inferFacts(model);
  declared.set(model, facts);
  return facts;
}

/** What follows where the inputs have these sizes, by name. */
export function factsAt(model: Model, inputDims: ReadonlyMap<string, PartialValues>): Facts {
  const kept = sized.get(model) ?? new Map<string, Facts>();
  const key = JSON.stringify([...inputDims]);
  const facts = kept.get(key) ?? inferFacts(model, inputDims);
  // The latest comes last.
  kept.delete(key);
  kept.set(key, facts);
  for (const [oldest] of kept) if (kept.size > SIZES_KEPT) kept.delete(oldest);
  sized.set(model, kept);
  return facts;
}
