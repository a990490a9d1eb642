import { readFileSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';

import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

import { TABLE, importFault } from './importTable.js';

describe('the import table', () => {
  it.each([
    ['main.tsx', './ui/App', false],
    ['ui/App.tsx', '../store/job', false],
    ['ui/App.tsx', './App.module.css', false],
    ['ui/pair/Wipe.tsx', '../Slider', false],
    ['ui/App.tsx', '../protocol/requests', true],
    ['store/models.ts', '../models/catalog', false],
    ['engine/worker.ts', '../kernels/attention', false],
    ['store/store.ts', '../engine/worker.ts?worker&url', false],
    ['engine/runtime.ts', 'onnxruntime-web/jspi', false],
    ['kernels/step.ts', '../diffusion/types', true],
    ['protocol/requests.ts', '../diffusion/options', true],
    ['store/settings.ts', '../diffusion/options', false],
    ['onnx/file/read.ts', '../../protocol/errors', false],
    ['onnx/graph/facts.ts', '../operators/table', false],
    ['onnx/segments/cut.ts', '../sites/sites', true],
  ])('%s may import %s', (file, specifier, typeOnly) => {
    expect(importFault(file, specifier, typeOnly)).toBeNull();
  });

  it.each([
    ['ui/App.tsx', '../engine/engine', 'through store'],
    ['store/job.ts', '../engine/worker', 'protocol/client'],
    ['ui/App.tsx', '../protocol/client', '`import type`'],
    ['ui/App.tsx', '../kernels/attention', 'a message of protocol'],
    ['store/models.ts', '../library/download', 'library/library'],
    ['diffusion/ddim.ts', '../protocol/errors', 'protocol'],
    ['onnx/file/read.ts', '../../protocol/requests', 'protocol/errors'],
    ['onnx/graph/facts.ts', '../passes/fuse', 'Graphs belong to engine'],
    ['onnx/segments/cut.ts', '../sites/sites', '`import type`'],
    ['kernels/step.ts', '../diffusion/ddim', '`import type`'],
    ['protocol/requests.ts', '../diffusion/options', '`import type`'],
    ['engine/worker.ts', '../store/job', 'as an argument'],
    ['store/job.ts', 'onnxruntime-web', 'Only engine'],
    ['engine/text.ts', '@huggingface/tokenizers', 'text'],
    ['store/job.ts', '../../fixtures/models/golden', 'src/ alone'],
  ])('%s may not import %s: %s', (file, specifier, door) => {
    expect(importFault(file, specifier, false)).toContain(door);
  });
});

it('finds each file name once: a name says where a line belongs', () => {
  const homes = new Map<string, Set<string>>();
  for (const file of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
    if (!/\.(tsx?|wgsl)$/.test(file) || /\.test\.|testing\//.test(file)) continue;
    // A kernel, its shader and its twin share a name.
    const path = file.replace(/(\.cpu)?\.(tsx?|wgsl)$/, '');
    const name = posix.basename(path).toLowerCase();
    homes.set(name, (homes.get(name) ?? new Set()).add(path));
  }
  const twice = [...homes.values()].filter((paths) => paths.size > 1).map((paths) => [...paths]);
  expect(twice).toEqual([]);
});

it('gives no right that nobody uses', () => {
  const used = new Set<string>();
  for (const file of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(file) || /\.test\.|testing\//.test(file)) continue;
    const code = readFileSync(posix.join('src', file), 'utf8');
    for (const [, type, specifier = ''] of code.matchAll(/^(?:import|export) (type )?[^;]*?from '(\.[^']+)'/gm)) {
      const target = posix.join(posix.dirname(file), specifier);
      for (const [room, doors] of Object.entries(TABLE)) {
        if (room === 'main' ? file.includes('/') : !file.startsWith(`${room}/`)) continue;
        for (const [door, right] of Object.entries(doors)) {
          const through = target === door || target.startsWith(`${door}/`);
          if (through && (right === 'types' || !type)) used.add(`${room}: ${door} (${right})`);
        }
      }
    }
  }
  const given = Object.entries(TABLE).flatMap(([room, doors]) =>
    Object.entries(doors).map(([door, right]) => `${room}: ${door} (${right})`),
  );
  expect(given.filter((right) => !used.has(right))).toEqual([]);
});

describe('ESLint', () => {
  const eslint = new ESLint({ overrideConfig: { rules: {} } });
  /** What the table says of a snippet, linted as if it were that file, in the project's own configuration. */
  async function faults(filePath: string, code: string): Promise<string[]> {
    const config = (await eslint.calculateConfigForFile(filePath)) as { plugins: Record<string, unknown> };
    const alone = new ESLint({
      overrideConfigFile: true,
      overrideConfig: [
        {
          files: ['**/*.{ts,tsx}'],
          languageOptions: { parser: (await import('typescript-eslint')).parser },
          plugins: { pagoda: config.plugins['pagoda']! },
          rules: { 'pagoda/import-table': 'error' },
        },
      ],
    });
    const [result] = await alone.lintText(code, { filePath });
    return (result?.messages ?? []).map((message) => message.message);
  }

  it('is given the rule as an error, and tests are free of it', async () => {
    const rule = async (path: string) => {
      const config = (await eslint.calculateConfigForFile(path)) as { rules: Record<string, unknown[]> };
      return config.rules['pagoda/import-table']?.[0];
    };
    expect(await rule('src/ui/App.tsx')).toBe(2);
    expect(await rule('src/ui/App.test.tsx')).toBe(0);
  });

  it.each([
    "import { Engine } from '../engine/engine';",
    "export { Engine } from '../engine/engine';",
    "export * from '../engine/engine';",
    "void import('../engine/engine');",
    "import type { Engine } from '../engine/engine';",
  ])('reports %s', async (code) => {
    expect(await faults('src/ui/App.tsx', code)).toEqual([expect.stringContaining('Nobody imports engine')]);
  });

  it('tells a type import from a value import', async () => {
    expect(await faults('src/ui/App.tsx', "import type { Settings } from '../protocol/requests';")).toEqual([]);
    expect(await faults('src/ui/App.tsx', "import { EngineError } from '../protocol/errors';")).toHaveLength(1);
  });
});
