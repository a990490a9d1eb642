// Tells the page when the thread may be held for long by what is as it should be, so that silence is not taken for a
// hang: calls into ONNX Runtime, and the kernels' twins on the CPU.

import type { BusyEvent } from '../protocol/events';
import type { CpuBackend } from './cpuBackend';
import type { Ort } from './runtime';

type Calls = Pick<CpuBackend, 'attend' | 'modelInput' | 'rescaledGuidance' | 'guidedStep' | 'maskBlend'>;

export class Busy {
  private depth = 0;

  constructor(private readonly emit: (event: BusyEvent) => void) {}

  /** The same runtime; its sessions are made and run busily. */
  runtime(ort: Ort): Ort {
    const create = async (...args: Parameters<typeof ort.InferenceSession.create>) => {
      const session = await this.during(() => ort.InferenceSession.create(...args));
      const run = session.run.bind(session) as (...of: unknown[]) => ReturnType<typeof session.run>;
      return Object.assign(session, { run: (...of: unknown[]) => this.during(() => run(...of)) });
    };
    return { ...ort, InferenceSession: { create } as typeof ort.InferenceSession };
  }

  /** The same backend; its kernels run busily. */
  backend(cpu: CpuBackend): CpuBackend {
    const own: Calls = {
      attend: cpu.attend.bind(cpu),
      modelInput: cpu.modelInput.bind(cpu),
      rescaledGuidance: cpu.rescaledGuidance.bind(cpu),
      guidedStep: cpu.guidedStep.bind(cpu),
      maskBlend: cpu.maskBlend.bind(cpu),
    };
    const calls: Calls = {
      attend: (...args) => this.during(() => own.attend(...args)),
      modelInput: (...args) => this.during(() => own.modelInput(...args)),
      rescaledGuidance: (...args) => this.during(() => own.rescaledGuidance(...args)),
      guidedStep: (...args) => this.during(() => own.guidedStep(...args)),
      maskBlend: (...args) => this.during(() => own.maskBlend(...args)),
    };
    return Object.assign(cpu, calls);
  }

  private async during<T>(work: () => Promise<T>): Promise<T> {
    this.change(1);
    try {
      return await work();
    } finally {
      this.change(-1);
    }
  }

  private change(by: number): void {
    const before = this.depth;
    this.depth += by;
    if (before > 0 !== this.depth > 0) this.emit({ type: 'busy', busy: this.depth > 0 });
  }
}
