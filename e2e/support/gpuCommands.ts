// What the engine asks of its GPU, counted in its worker: uniform writes, bind groups, buffers, dispatches. No driver
// and no speed of a machine changes these. And a GPU that does not replay what it has recorded, for the other way.

import type { Page } from '@playwright/test';
import { engineWorker } from './engineWorker';

export type Command = 'writes' | 'bind groups' | 'buffers' | 'dispatches' | 'passes' | 'submits';
export type Commands = Readonly<Record<Command, number>>;

/** Counts on `self.__commands`, ONNX Runtime's and ours. To be put before the engine's script (prependToEngine). */
export const COUNT_COMMANDS = `{
  const counts = (self.__commands = {});
  const count = (kind, method, what) => {
    const call = kind.prototype[method];
    counts[what] = 0;
    kind.prototype[method] = function (...values) {
      counts[what] += 1;
      return call.apply(this, values);
    };
  };
  count(GPUQueue, 'writeBuffer', 'writes');
  count(GPUDevice, 'createBindGroup', 'bind groups');
  count(GPUDevice, 'createBuffer', 'buffers');
  count(GPUComputePassEncoder, 'dispatchWorkgroups', 'dispatches');
  count(GPUComputePassEncoder, 'end', 'passes');
  count(GPUQueue, 'submit', 'submits');
}`;

/** What has been counted since it was asked last. */
export async function commandsSince(page: Page): Promise<Commands> {
  return (await engineWorker(page)).evaluate(() => {
    const counts = (self as unknown as { __commands: Record<string, number> }).__commands;
    const now = { ...counts };
    for (const what in counts) counts[what] = 0;
    return now as Commands;
  });
}

/**
 * Makes the device give wrong answers when it is asked whether it replays (engine/captureCheck): what it is written
 * after the first run is lost. The engine then sends every command anew.
 */
export const SPOIL_REPLAYS = `{
  const write = GPUQueue.prototype.writeBuffer;
  let written = false;
  GPUQueue.prototype.writeBuffer = function (buffer, ...rest) {
    const isAsked = buffer.label === 'a check of graph capture a';
    if (isAsked && written) return;
    written ||= isAsked;
    write.call(this, buffer, ...rest);
  };
}`;
