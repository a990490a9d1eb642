// CPU time of whole trees of processes: what is told of looks at them, and a look at real ones.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cpuAccount, watchCpu } from './cpuTime.mjs';

const process_ = (parent: number, own: number, reaped = 0, started = '1') => ({ parent, started, own, reaped });

/** Each look: processes by their ids. */
function secondsOf(...looks: Record<number, ReturnType<typeof process_>>[]): number | null {
  const account = cpuAccount(10);
  for (const look of looks) account.look(new Map(Object.entries(look).map(([id, one]) => [Number(id), one])));
  return account.seconds();
}

test('a process, children that run and children that were waited for are counted once each', () => {
  expect(secondsOf({ 10: process_(1, 100), 11: process_(10, 50), 12: process_(11, 25), 9: process_(1, 999) })).toBe(
    1.75,
  );
  // The second was seen at 0.4 s, and had 0.6 when it was waited for.
  expect(secondsOf({ 10: process_(1, 100), 11: process_(10, 40) }, { 10: process_(1, 110, 60) })).toBe(1.7);
});

test('what outlives its parent counts as the one who started it would count it', () => {
  const adopted = { 10: process_(1, 100), 12: process_(1, 70) };
  expect(secondsOf({ 10: process_(1, 90), 11: process_(10, 5), 12: process_(11, 20) }, adopted)).toBe(1.75);
  // It has ended, and nobody of these has waited for it: as it was last seen.
  expect(secondsOf({ 10: process_(1, 90), 12: process_(10, 20) }, { 10: process_(1, 100) })).toBe(1.2);
});

test('another process that has come by the same id is another', () => {
  const before = { 10: process_(1, 100), 11: process_(10, 30) };
  expect(secondsOf(before, { 10: process_(1, 100, 30), 11: process_(1, 500, 0, '2') })).toBe(1.3);
});

const WORK = `const start = process.cpuUsage(); for (let used = 0; used < 3e5; ) {
  for (let at = 0; at < 1e6; at += 1) Math.sqrt(at);
  used = process.cpuUsage(start).user;
}`;
/** Works, says so, and stays. */
const STAYS = `${WORK} console.log('done'); setInterval(() => {}, 1e6);`;

test.runIf(existsSync('/proc/self/stat'))(
  'real ones: one that stays, its child that stays, one waited for',
  async () => {
    const start = (name: string, script: string, options: string) =>
      `require('node:child_process').${name}(process.execPath, ['-e', ${JSON.stringify(script)}], ${options})`;
    const script = `const child = ${start('spawn', STAYS, "{ stdio: 'inherit' }")};
    process.on('SIGTERM', () => { child.kill('SIGKILL'); process.exit(); });
    ${start('spawnSync', WORK, '{}')}; ${STAYS}`;
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const seconds = watchCpu(parent.pid);
    let said = '';
    for await (const text of parent.stdout) if ((said += String(text)) === 'done\ndone\n') break;
    const counted = seconds();
    parent.kill('SIGTERM');
    await once(parent, 'exit');
    // Three times 0.3 s of work at least, less what a tick rounds off of each process's two figures.
    expect(counted).toBeGreaterThanOrEqual(0.9 - 0.06);
  },
);

test('where there is no such process nothing is told', () => {
  expect(watchCpu(undefined)()).toBeNull();
});
