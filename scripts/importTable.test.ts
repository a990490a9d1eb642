import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

import { importFault } from './importTable.js';

describe('the import table', () => {
  it.each([
    ['main.tsx', './ui/App', false],
    ['ui/App.tsx', '../store/job', false],
    ['ui/App.tsx', './App.module.css', false],
    ['ui/pair/Wipe.tsx', '../Slider', false],
    ['ui/App.tsx', '../protocol/messages', true],
    ['store/models.ts', '../models/catalog', false],
    ['engine/worker.ts', '../kernels/attention', false],
    ['store/store.ts', '../engine/worker.ts?worker&url', false],
    ['engine/runtime.ts', 'onnxruntime-web/jspi', false],
    ['kernels/step.ts', '../diffusion/types', true],
    ['protocol/messages.ts', '../diffusion/options', true],
    ['store/settings.ts', '../diffusion/options', false],
    ['onnx/read.ts', '../protocol/errors', false],
  ])('%s may import %s', (file, specifier, typeOnly) => {
    expect(importFault(file, specifier, typeOnly)).toBeNull();
  });

  it.each([
    ['ui/App.tsx', '../engine/engine', 'through store'],
    ['store/job.ts', '../engine/worker', 'protocol/client'],
    ['ui/App.tsx', '../protocol/client', '`import type`'],
    ['ui/App.tsx', '../kernels/attention', 'a message of protocol'],
    ['store/models.ts', '../models/download', 'models/catalog'],
    ['diffusion/ddim.ts', '../protocol/errors', 'protocol'],
    ['onnx/read.ts', '../protocol/messages', 'protocol/errors'],
    ['kernels/step.ts', '../diffusion/ddim', '`import type`'],
    ['protocol/messages.ts', '../diffusion/options', '`import type`'],
    ['engine/worker.ts', '../store/job', 'as an argument'],
    ['store/job.ts', 'onnxruntime-web', 'Only engine'],
    ['engine/text.ts', '@huggingface/tokenizers', 'text'],
    ['store/job.ts', '../../fixtures/models/golden', 'src/ alone'],
  ])('%s may not import %s: %s', (file, specifier, door) => {
    expect(importFault(file, specifier, false)).toContain(door);
  });
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
          plugins: { pagoda: config.plugins['pagoda'] as NonNullable<ESLint.Plugin> },
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
    expect(await faults('src/ui/App.tsx', "import type { Settings } from '../protocol/messages';")).toEqual([]);
    expect(await faults('src/ui/App.tsx', "import { EngineError } from '../protocol/errors';")).toHaveLength(1);
  });
});
