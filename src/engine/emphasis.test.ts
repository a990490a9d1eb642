// The formulas by numbers that were made with A1111 and ComfyUI.

import { expect, test } from 'vitest';
import { weighed } from './emphasis';

const z = new Float32Array([1, 2, 3, -1, 0.5, 1.5, 2, 0]);
const w = [1, 1.3, 1.1, 1];

test.each([
  ['A1111', { restoresMean: true }, [0.918367, 1.836735, 3.581633, -1.193878, 0.505102, 1.515306, 1.836735, 0]],
  ['A1111 without norm', { restoresMean: false }, [1, 2, 3.9, -1.3, 0.55, 1.65, 2, 0]],
  ['ComfyUI', { towards: new Float32Array([1, 2, 0, 1, 1, 1, 2, 2]) }, [1, 2, 3.9, -1.6, 0.45, 1.55, 2, 0]],
])('%s', (_name, how, expected) => {
  const values = weighed(z, w, how);
  for (const [at, value] of expected.entries()) expect(values[at]).toBeCloseTo(value, 5);
});
