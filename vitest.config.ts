// `unit` and `unit-alone` need Node alone. The files of `unit` run in the same two processes one after the other: what
// ONNX Runtime has compiled stays, which halves their time. So they may neither mock modules nor change globals; those
// that do are in `unit-alone`. `dawn` needs a Vulkan driver, and its files run one at a time, since they share the one
// GPU (or all the cores, where the driver is a software one).

import { setFlagsFromString } from 'node:v8';
import { defineConfig } from 'vitest/config';

import { COMPILE_ONCE } from './scripts/v8Flags.ts';
import { VERSIONS } from './scripts/versions.ts';

const DAWN = 'src/**/*.dawn.test.ts';
const ALONE = [
  'src/{library,loading,protocol,pwa,store,ui}/**/*.test.{ts,tsx}',
  'src/configs/hostile.test.ts',
  'src/engine/{engine,factsOnce}.test.ts',
];

// How long a test may hang, not how long it may take: on a busy machine shaders alone compile for minutes.
const HANGS = 600_000;

// Threads have this process's flags, forks are given theirs.
setFlagsFromString(COMPILE_ONCE);

const NODE = {
  // Vitest leaves a core free, which is half of two.
  maxWorkers: '100%',
  testTimeout: HANGS,
  hookTimeout: HANGS,
  sequence: { groupOrder: 0 },
} as const;

export default defineConfig({
  test: {
    // Each with a `define` of its own: Vitest empties it.
    projects: [
      {
        define: { ...VERSIONS },
        test: {
          name: 'unit',
          include: ['{src,scripts,fixtures,e2e/support}/**/*.test.{ts,tsx}'],
          exclude: [DAWN, ...ALONE],
          pool: 'threads',
          isolate: false,
          ...NODE,
        },
      },
      { define: { ...VERSIONS }, test: { name: 'unit-alone', include: ALONE, execArgv: [COMPILE_ONCE], ...NODE } },
      {
        define: { ...VERSIONS },
        test: {
          name: 'dawn',
          include: [DAWN],
          pool: 'forks',
          execArgv: [COMPILE_ONCE],
          maxWorkers: 1,
          testTimeout: HANGS,
          hookTimeout: HANGS,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
