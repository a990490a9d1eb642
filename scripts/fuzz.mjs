// The tests of damaged model files and pictures, and that freed models compute what they did, with more cases and
// another seed: npm run fuzz [cases] [seed]. The first case that fails names its own seed; `npm run fuzz 1 <that seed>`
// makes it alone.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [cases = '100000', seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2);
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
console.log(`${cases} cases from seed ${seed}`);
const { status } = spawnSync(
  process.execPath,
  [
    vitest,
    'run',
    '--project',
    'unit*',
    'src/onnx/hostile.test.ts',
    'src/engine/freedRows.test.ts',
    'src/checkpoints/safetensors.test.ts',
    'src/checkpoints/identify.test.ts',
    'src/store/recipeCases.test.ts',
  ],
  {
    stdio: 'inherit',
    env: { ...process.env, FUZZ_CASES: cases, FUZZ_SEED: seed },
  },
);
process.exitCode = status ?? 1;
