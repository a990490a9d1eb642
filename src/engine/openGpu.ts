// The GPU as a backend, once it has given the known answers: without f16 where convolutions or reductions are wrong in
// it, without its subgroups where ONNX Runtime's attention is wrong with them, without ONNX Runtime's attention where
// it is wrong all the same, without its graph capture where replays are wrong, and not at all where convolutions are
// wrong in f32. What was asked and what is done instead goes into the device's facts.

import type { DeviceCheck, DeviceInfo } from '../protocol/loaded';
import { knownAttention } from './attentionCheck';
import type { Backend } from './backend';
import { replaysRecordings } from './captureCheck';
import { knownConvolutions } from './convolutionCheck';
import { acquireGpu } from './device';
import { GpuBackend } from './gpuBackend';
import type { GpuWaits } from './gpuWaits';
import { askedInEach, type FloatType, type KnownAnswer } from './knownAnswer';
import { knownReductions } from './reductionCheck';
import type { Ort } from './runtime';

/** What a device is taken without, and what was told of it before. */
interface Attempt {
  readonly subgroups: boolean;
  readonly f16: boolean;
  /** Operators that gave wrong answers, in f16: "Conv in f16". */
  readonly wrong: readonly string[];
  readonly checks: readonly DeviceCheck[];
  readonly workedRound: readonly string[];
}

const FIRST: Attempt = { subgroups: true, f16: true, wrong: [], checks: [], workedRound: [] };

/** Gives the reason as a sentence where there is none. Throws what a check throws: that is no wrong answer. */
export async function openGpu(
  ort: Ort,
  waits: GpuWaits,
  { subgroups, f16, wrong, checks, workedRound }: Attempt = FIRST,
): Promise<{ readonly instance: Backend; readonly info: DeviceInfo } | string> {
  const gpu = await acquireGpu(waits, { subgroups, f16 });
  if (typeof gpu === 'string') return gpu;
  const { device, info } = gpu;
  const instance = new GpuBackend(ort, device, { fusesAttention: true, captures: true }, waits);
  const all = [...checks];
  /** Those that are wrong. */
  const ask = async (known: (type: FloatType) => readonly KnownAnswer[]) => {
    const answers = await askedInEach(instance, known);
    all.push(...answers);
    return answers.filter(({ right }) => !right).map(({ what }) => what);
  };
  const ready = (backend: GpuBackend, wrongOperators: readonly string[], ways: readonly string[]) =>
    withCheckedCapture(backend, info, {
      wrong: [...wrong, ...wrongOperators],
      checks: all,
      workedRound: [...workedRound, ...ways],
    });
  try {
    const convolutions = await ask(knownConvolutions);
    if (convolutions.some((what) => !isHalf(what))) {
      await instance.dispose();
      return `ONNX Runtime computes convolutions (Conv) wrongly on this GPU (${info.adapter}).`;
    }
    const inHalf = [...convolutions, ...(await ask(knownReductions))];
    if (inHalf.length > 0) {
      await instance.dispose();
      const ways = [...workedRound, `${inHalf.join(', ')}: everything in f32`];
      return await openGpu(ort, waits, {
        subgroups,
        f16: false,
        wrong: [...wrong, ...inHalf],
        checks: all,
        workedRound: ways,
      });
    }
    const attention = await ask(knownAttention);
    if (attention.length === 0) return await ready(instance, [], []);
    if (!device.features.has('subgroups')) {
      const separate = new GpuBackend(ort, device, { fusesAttention: false, captures: true }, waits);
      return await ready(separate, ['MultiHeadAttention'], [`${attention.join(', ')}: separate operators`]);
    }
    await instance.dispose();
    const ways = [...workedRound, `${attention.join(', ')}: without subgroups`];
    return await openGpu(ort, waits, { subgroups: false, f16, wrong, checks: all, workedRound: ways });
  } catch (error) {
    await instance.dispose();
    throw error;
  }
}

function isHalf(what: string): boolean {
  return what.endsWith('f16');
}

async function withCheckedCapture(
  instance: GpuBackend,
  info: DeviceInfo,
  { wrong, checks, workedRound }: Pick<Attempt, 'wrong' | 'checks' | 'workedRound'>,
) {
  const { capturing } = instance;
  const right = !capturing || (await replaysRecordings(instance, capturing));
  if (!right) capturing.giveUp();
  const facts = info.facts && {
    ...info.facts,
    checks: [...checks, { what: 'graph capture', right, figure: 'bit by bit' }],
    workedRound: right ? workedRound : [...workedRound, 'graph capture: commands are sent anew'],
  };
  const wrongOperators = right ? wrong : [...wrong, 'graph capture'];
  return { instance, info: { ...info, wrongOperators, ...(facts && { facts }) } };
}
