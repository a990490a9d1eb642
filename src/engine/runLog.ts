// What a run of one image, or of a pair, takes down as it goes, for those that follow and for the timeline: the state
// before each record, and what each step came to. It is read back with what else is read of a record, at once.

import type { PlannedRecord, RunPlan } from '../diffusion/runPlan';
import type { ImageState, StepLatents, StepTrace } from '../protocol/runSteps';
import type { DeviceTensor } from './backend';
import { StateLog, type Trajectory } from './keptRuns';
import { stepAt } from './reuse';
import { imageSteps, traceOf, type ImageStep, type RunOfSteps } from './stepTrace';

/** What is read of a record. */
export interface Reading {
  readonly predictions: DeviceTensor;
  /** Before the record; the history as well. */
  readonly latents: DeviceTensor;
  readonly history: DeviceTensor;
  /** Behind it. */
  readonly denoised: DeviceTensor;
}

export type Read = { readonly [Name in keyof Reading]: Float32Array | null };

interface LogOf {
  /** Images that are made. */
  readonly images: number;
  readonly latentShape: StepLatents['dims'];
  /** What their records came to that are made already. */
  readonly before: readonly (readonly ImageStep[])[];
  /** The image without PAG, where it is there. */
  readonly left: Trajectory | null;
  readonly run: RunOfSteps;
  readonly tell: (trace: StepTrace) => void;
}

export class RunLog {
  private readonly states: StateLog;
  private readonly steps: ImageStep[][];

  /** Tells the steps that are made already. @param plan of all records */
  constructor(
    plan: Pick<RunPlan, 'records' | 'historyLength'>,
    private readonly of: LogOf,
  ) {
    this.states = new StateLog(plan, of.images, of.latentShape);
    this.steps = of.before.map((steps) => [...steps]);
    for (const at of of.before[0]?.keys() ?? []) this.tell(at);
  }

  /** @param record of all; `isFirst` of those that are made, whose state is there. */
  reads(record: number, isFirst: boolean, { coefficients }: PlannedRecord): Readonly<Record<keyof Reading, boolean>> {
    const isStep = this.isStep(coefficients.step);
    const isState = !isFirst && this.states.wants(record);
    return {
      predictions: isStep,
      latents: isStep || isState,
      history: isState && this.states.remembers,
      denoised: isStep,
    };
  }

  /** What was asked for above. */
  take(record: number, isFirst: boolean, planned: PlannedRecord, read: Read): void {
    const { predictions, latents, history, denoised } = read;
    if (latents && !isFirst && this.states.wants(record))
      this.states.put(record, latents, history ?? new Float32Array(0));
    if (!predictions || !latents || !denoised || !this.isStep(planned.coefficients.step)) return;
    const made = imageSteps(planned, { predictions, latents, denoised }, this.of.latentShape);
    for (const [image, step] of made.entries()) this.steps[image]!.push(step);
    this.tell(this.steps[0]!.length - 1);
  }

  statesOf(image: number): readonly ImageState[] {
    return this.states.of(image);
  }

  stepsOf(image: number): readonly ImageStep[] {
    return this.steps[image]!;
  }

  /** A step of two records is told with the first. */
  private isStep(step: number): boolean {
    return step > (this.steps[0]!.at(-1)?.step ?? -1);
  }

  private tell(at: number): void {
    const { left, run, tell } = this.of;
    const step = this.steps.at(-1)![at];
    if (!step) return;
    const other = this.steps.length > 1 ? (this.steps[0]![at] ?? null) : left && stepAt(left, step.step);
    tell(traceOf(step, other, run));
  }
}
