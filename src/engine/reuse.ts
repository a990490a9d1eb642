// What of a run earlier ones have made: whole images, and the record at which those that are still to be made begin.

import type { RunPlan } from '../diffusion/runPlan';
import type { LongText } from '../protocol/events';
import type { Pixels } from '../protocol/pictureData';
import { traceOf, type ImageStep, type RunOfSteps } from './stepTrace';
import { concatenated } from './concatenated';
import type { RunHooks, RunResult } from './generate';
import { copied, type Beginning, type ImageKind, type KeptRuns, type Trajectory } from './keptRuns';

interface Asked {
  /** In the plan's order. */
  readonly kinds: readonly ImageKind[];
  /** Of each. */
  readonly steps: readonly (readonly string[])[];
  readonly anew: boolean;
}

interface There {
  /** Whole images: all, that without PAG, or none. */
  readonly there: readonly Trajectory[];
  /** Of the others, at one record. */
  readonly from: readonly Beginning[];
}

export function whatIsThere(kept: KeptRuns | null, { kinds, steps, anew }: Asked): There {
  const last = kinds.length - 1;
  const whole = kinds.map((_, at) => kept?.whole(steps[at]!) ?? null);
  const withPag = whole[last] ?? null;
  // Where PAG is not active both images are the one that is there: there is nothing to make anew.
  const isAsked = anew && withPag?.of === 'withPag';
  if (!isAsked && whole.every((one) => one !== null)) return { there: whole, from: [] };
  const there = last > 0 && whole[0] ? [whole[0]] : [];
  const begin = (at: number): readonly Beginning[] =>
    kept?.beginnings(steps[at]!, at === last && isAsked ? withPag : null) ?? [{ record: 0, state: null, of: null }];
  const lists = kinds.map((_, at) => at).slice(there.length);
  const [first, ...others] = lists.map(begin);
  for (const beginning of first!) {
    const same = others.map((list) => list.find(({ record }) => record === beginning.record));
    if (same.every((one) => one !== undefined)) return { there, from: [beginning, ...same] };
  }
  throw new Error('Every image can begin at its first record.');
}

interface Known {
  readonly started: number;
  readonly text: LongText | null;
  readonly perturbedSites: readonly string[];
  readonly run: RunOfSteps;
}

/** Nothing is run: what is there is what was asked for. */
export function allThere(
  there: readonly Trajectory[],
  plan: RunPlan,
  { started, text, perturbedSites, run }: Known,
  hooks: Pick<RunHooks, 'trace'>,
): RunResult {
  const withPag = there.at(-1)!;
  const without = there.length > 1 ? there[0]! : null;
  for (const step of withPag.traces) hooks.trace?.(traceOf(step, without && stepAt(without, step.step), run));
  const pictures: readonly Pixels[] = there.map(({ picture }) => copied(picture));
  const pair = { withoutPag: there.length > 1 ? pictures[0]! : null, withPag: pictures.at(-1)! };
  return {
    pair,
    pairs: [pair],
    latents: concatenated(there.map(({ latents }) => latents)),
    plan,
    made: there,
    stats: {
      seconds: (performance.now() - started) / 1000,
      unetRows: 0,
      rowsBeforeFork: 0,
      rowsAfterFork: 0,
      perturbedSites: withPag.of === 'withPag' ? perturbedSites : [],
      keptWithoutPag: there.length > 1,
      ...(text && { text }),
    },
  };
}

/** What the records before this one came to, of each image that is still to be made. */
export function stepsBefore({ records }: RunPlan, record: number, from: readonly Beginning[]): ImageStep[][] {
  const last = records[record - 1]?.coefficients.step ?? -1;
  return from.map(({ of }) => (of?.traces ?? []).filter(({ step }) => step <= last));
}

export function stepAt({ traces }: Pick<Trajectory, 'traces'>, step: number): ImageStep | null {
  return traces.find((trace) => trace.step === step) ?? null;
}
