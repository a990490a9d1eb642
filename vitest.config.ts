// Two projects: `unit` needs Node alone; `dawn` needs a Vulkan driver, and its files run one at a time, since
// they share the one GPU (or all the cores, where the driver is a software one).

import { defineConfig } from 'vitest/config';

import { VERSIONS } from './scripts/versions.ts';

export default defineConfig({
  test: {
    projects: [
      {
        define: VERSIONS,
        test: {
          name: 'unit',
          include: ['{src,scripts,fixtures,e2e/support}/**/*.test.{ts,tsx}'],
          exclude: ['**/*.dawn.test.ts'],
          // Vitest leaves a core free, which is half of two.
          maxWorkers: '100%',
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        define: VERSIONS,
        test: {
          name: 'dawn',
          include: ['src/**/*.dawn.test.ts'],
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
