// What the engine waits for of its GPU. Where something takes long the page is told what it is and for how long, and
// the device is asked two questions of its own: an error scope, which the GPU's process answers whatever its queue
// does, and when the queue is done with all that was submitted so far. So a GPU that computes, one that says nothing,
// and an answer that went missing are told apart. What can never come is given up.

import type { GpuState, Waiting } from '../protocol/events';
import { EngineError } from '../protocol/errors';

/** Seconds after which a wait is told and the device is asked, and between two questions. */
const LONG = 5;
/** Seconds for which a question may lie unanswered before that says something. */
const GRACE = 3;
/** Seconds behind an answer that came later than the one that is waited for should have, or behind a lost device. */
const GIVEN_UP = 5;

interface Wait {
  /** In a few words, for people: "unet/model.onnx". */
  readonly what: string;
  /** Done where the queue is done with what was submitted before it began. */
  readonly isOfQueue: boolean;
  /** null where it is a device that is waited for. */
  readonly device: GPUDevice | null;
  /** Counted by the timer: a machine that slept has not waited. */
  seconds: number;
  /** Since the queue was known to be done with what it waits for, or the device to be lost. */
  overdue: number;
  readonly giveUp: (error: EngineError) => void;
}

interface Question {
  /** What had begun before it was asked. */
  readonly waits: readonly Wait[];
  heard: boolean;
  answered: boolean;
  seconds: number;
}

export class GpuWaits {
  private readonly open = new Set<Wait>();
  private device: GPUDevice | null = null;
  private isLost = false;
  private question: Question | null = null;
  private state: GpuState = null;
  private told: Wait | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;

  constructor(private readonly tell: (waiting: Waiting | null) => void) {}

  /** The device that is asked from now on; null while there is none. */
  watch(device: GPUDevice | null): void {
    if (this.device === device) return;
    this.device = device;
    this.isLost = false;
    this.question = null;
    this.state = null;
    void device?.lost.then(() => {
      if (this.device === device) this.isLost = true;
    });
  }

  /**
   * The same work, waited for.
   * @param isOfQueue done where the queue is done with what was submitted.
   * @throws EngineError `device-lost` where it can never come, and what the work throws.
   */
  during<T>(what: string, work: () => Promise<T>, isOfQueue = false): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const giveUp = (error: EngineError) => end(() => reject(error));
      const wait: Wait = { what, isOfQueue, device: this.device, seconds: 0, overdue: 0, giveUp };
      const end = (settle: () => void) => {
        settle();
        this.open.delete(wait);
        if (this.told === wait) this.say(null);
      };
      this.open.add(wait);
      this.timer ??= setInterval(() => this.tick(), 1000);
      const result = work();
      const come = () => end(() => resolve(result));
      result.then(come, come);
    });
  }

  private tick(): void {
    const [oldest] = this.open;
    if (!oldest) {
      if (this.timer !== null) clearInterval(this.timer);
      this.timer = null;
      this.question = null;
      this.state = null;
      return;
    }
    if (this.question) this.question.seconds += 1;
    for (const wait of this.open) {
      wait.seconds += 1;
      const isDone = this.question?.answered === true && wait.isOfQueue && this.question.waits.includes(wait);
      const isLost = wait.device !== null && (this.isLost || wait.device !== this.device);
      if (isLost || isDone || wait.overdue > 0) wait.overdue += 1;
      if (wait.overdue > GIVEN_UP) wait.giveUp(missing(wait, isLost));
    }
    if (!this.open.has(oldest) || oldest.seconds < LONG) return;
    this.ask();
    this.say(oldest);
  }

  private say(wait: Wait | null): void {
    this.told = wait;
    this.tell(wait && { what: wait.what, seconds: wait.seconds, gpu: this.state });
  }

  private ask(): void {
    const { device } = this;
    const before = this.question;
    if (before?.answered) this.state = 'idle';
    else if (before && before.seconds > GRACE) this.state = before.heard ? 'computing' : 'silent';
    if (!device || this.isLost || (before && (!before.answered || before.seconds < LONG))) return;
    const question: Question = { waits: [...this.open], heard: false, answered: false, seconds: 0 };
    this.question = question;
    device.pushErrorScope('validation');
    device.popErrorScope().then(
      () => (question.heard = true),
      () => {},
    );
    device.queue.onSubmittedWorkDone().then(
      () => (question.heard = question.answered = true),
      () => {},
    );
  }
}

function missing({ what, seconds }: Wait, isLost: boolean): EngineError {
  const why = isLost ? 'the device is lost' : 'the queue is done, and answers';
  return new EngineError(
    'device-lost',
    'The GPU did not give back what was asked of it. Press Generate to start again, or use the CPU.',
    `Waited ${seconds} s for ${what}: ${why}.`,
  );
}
