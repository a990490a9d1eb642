// CPU time of whole trees of processes: children that were waited for, and those that were left behind, each of which
// works for 0.6 s.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { watchCpu } from './cpuTime.mjs';

const WORK = `const start = process.cpuUsage(); for (let used = 0; used < 6e5; ) {
  for (let at = 0; at < 1e6; at += 1) Math.sqrt(at);
  used = process.cpuUsage(start).user;
}`;
/** Works when its parent is gone, and stays until whoever looks seldom has seen it. */
const LEFT = `const parent = process.ppid;
const timer = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(timer);
  ${WORK}
  setTimeout(() => {}, 1000);
}, 50);`;

async function secondsOf(script: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const seconds = watchCpu(child.pid);
  // Closed by the last process that has it.
  await once(child, 'close');
  // Until nothing is left of that one either.
  await new Promise((resolve) => setTimeout(resolve, 300));
  return seconds()!;
}

test.runIf(existsSync('/proc/self/stat'))(
  'a process, its child and one that outlives it are counted once each',
  async () => {
    const start = (name: string, script: string, options: string) =>
      `require('node:child_process').${name}(process.execPath, ['-e', ${JSON.stringify(script)}], ${options})`;
    const waitedFor = start('spawnSync', WORK, '{}');
    const left = `${start('spawn', LEFT, "{ detached: true, stdio: 'inherit' }")}.unref()`;
    const alone = await secondsOf(WORK);
    const all = await secondsOf(`${waitedFor}; ${left}; ${WORK}`);
    expect(alone).toBeGreaterThan(0.55);
    expect(all).toBeGreaterThan(1.75);
    expect(all).toBeLessThan(3 * alone + 0.5);
  },
);

test('where there is no such process nothing is told', () => {
  expect(watchCpu(undefined)()).toBeNull();
});
