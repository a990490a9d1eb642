// CPU seconds of a process and of all that it starts, out of Linux's /proc: the clock on the wall of a busy machine
// tells nothing. A parent counts children that it waited for; those whose parent ended before them (Chromium's, when
// the browser closes) count as they were last seen.

import { readFileSync, readdirSync } from 'node:fs';

/**
 * In hundredths of a second: of the process itself, and of its children that it has waited for.
 * @typedef {{ parent: number, started: string, own: number, reaped: number }} Process
 */

const TICKS_PER_SECOND = 100;
const EVERY_MS = 250;

/**
 * @param {number | undefined} pid of a process just started
 * @returns {() => number | null} ends the watch and tells the seconds; null where there is no /proc
 */
export function watchCpu(pid) {
  const account = cpuAccount(pid);
  const look = () => account.look(processes());
  look();
  const timer = setInterval(look, EVERY_MS);
  return () => {
    clearInterval(timer);
    look();
    return account.seconds();
  };
}

/** What is known of a process and of all that it started, from one look at what runs to the next. */
export function cpuAccount(/** @type {number | undefined} */ pid) {
  /** @type {Map<string, Process & { pid: number, isAlive: boolean }>} */
  const seen = new Map();
  const look = (/** @type {Map<number, Process>} */ running) => {
    const keyOf = (/** @type {number} */ id) => `${id} ${running.get(id)?.started}`;
    for (const one of seen.values()) one.isAlive = false;
    const isOurs = (/** @type {number} */ id) => {
      for (let at = id; running.has(at); at = /** @type {Process} */ (running.get(at)).parent)
        if (at === pid || seen.has(keyOf(at))) return true;
      return false;
    };
    for (const [id, one] of running) {
      if (!isOurs(id)) continue;
      const key = keyOf(id);
      // Whoever adopts it has not started it.
      seen.set(key, { ...one, parent: seen.get(key)?.parent ?? one.parent, pid: id, isAlive: true });
    }
  };
  const seconds = () => {
    const all = [...seen.values()];
    /** @returns {number} */
    const ticks = (/** @type {typeof all[number]} */ one) => {
      const children = all.filter(({ parent }) => parent === one.pid);
      const sum = (/** @type {boolean} */ isAlive) =>
        children.filter((child) => child.isAlive === isAlive).reduce((total, child) => total + ticks(child), 0);
      return one.own + sum(true) + Math.max(one.reaped, sum(false));
    };
    const first = all.find((one) => one.pid === pid);
    return first ? ticks(first) / TICKS_PER_SECOND : null;
  };
  return { look, seconds };
}

/** @returns {Map<number, Process>} */
function processes() {
  const found = new Map();
  for (const name of namesIn('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8');
      // Behind the command's name, which may hold anything: state, parent, … (proc_pid_stat(5)).
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const sum = (/** @type {number} */ at) => Number(fields[at]) + Number(fields[at + 1]);
      found.set(Number(name), { parent: Number(fields[1]), started: fields[19], own: sum(11), reaped: sum(13) });
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

function namesIn(/** @type {string} */ folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
