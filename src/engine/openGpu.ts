// The GPU as a backend, once it has given the known answers: without its subgroups where ONNX Runtime's attention is
// wrong with them, without ONNX Runtime's attention where it is wrong all the same, without its graph capture where
// replays are wrong, and not at all where convolutions are.

import type { DeviceInfo } from '../protocol/messages';
import { computesAttention } from './attentionCheck';
import type { Backend } from './backend';
import { replaysRecordings } from './captureCheck';
import { computesConvolutions } from './convolutionCheck';
import { acquireGpu } from './device';
import { GpuBackend } from './gpuBackend';
import type { Ort } from './runtime';

/** Gives the reason as a sentence where there is none. Throws what a check throws: that is no wrong answer. */
export async function openGpu(
  ort: Ort,
  subgroups = true,
): Promise<{ readonly instance: Backend; readonly info: DeviceInfo } | string> {
  const gpu = await acquireGpu({ subgroups });
  if (typeof gpu === 'string') return gpu;
  const { device, info } = gpu;
  const instance = new GpuBackend(ort, device, { fusesAttention: true, captures: true });
  try {
    if (!(await computesConvolutions(instance))) {
      await instance.dispose();
      return `ONNX Runtime computes convolutions (Conv) wrongly on this GPU (${info.adapter}).`;
    }
    if (await computesAttention(instance)) return await withCheckedCapture(instance, info);
    if (!device.features.has('subgroups')) {
      const separate = new GpuBackend(ort, device, { fusesAttention: false, captures: true });
      return await withCheckedCapture(separate, { ...info, wrongOperators: ['MultiHeadAttention'] });
    }
  } catch (error) {
    await instance.dispose();
    throw error;
  }
  await instance.dispose();
  return openGpu(ort, false);
}

async function withCheckedCapture(instance: GpuBackend, info: DeviceInfo) {
  const { capturing } = instance;
  if (!capturing || (await replaysRecordings(instance, capturing))) return { instance, info };
  capturing.giveUp();
  return { instance, info: { ...info, wrongOperators: [...info.wrongOperators, 'graph capture'] } };
}
