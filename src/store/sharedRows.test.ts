// Rows of a series, held to what the engine runs of it: `engine/keptRuns.test.ts` counts the same ones.

import { expect, test } from 'vitest';
import { PLAIN_PAG } from '../diffusion/options';
import type { ModelInfo } from '../protocol/loaded';
import { fromStepOn } from '../settings/earlierSteps';
import { INITIAL, type Settings } from '../settings/fields';
import { SharedRows } from './sharedRows';

const model = {
  sites: [{ name: 'mid_block.attentions.0.transformer_blocks.0.attn1', comfyName: 'm0', block: 'mid' }],
  scheduler: {},
  guidanceEmbedded: false,
} as unknown as ModelInfo;
const settings: Settings = { ...INITIAL, steps: 5, scheduler: 'euler-a', layers: 'mid', compare: false };

function rows(...runs: readonly Partial<Settings>[]): (number | null)[] {
  const shared = new SharedRows(model, false);
  return runs.map((changes) => shared.next({ ...settings, ...changes }));
}

test('cells that part late share the steps before', () => {
  const from = (pagScale: number) => fromStepOn(settings, 3, { ...settings, pagScale });
  expect(rows(from(1), from(2), from(4), from(8), from(2))).toEqual([15, 6, 6, 6, 0]);
});

test('the image without PAG is made with the first, and again where another comes of it', () => {
  const both = { compare: true };
  expect(rows({ ...both }, { ...both, pagScale: 5 }, { ...both, seed: 9 })).toEqual([23, 15, 23]);
  expect(rows({ ...both }, { ...both, pagScale: 0 })).toEqual([23, 0]);
  expect(rows({ ...both, guidanceScale: 2 }, { ...both, guidanceScale: 3 })).toEqual([23, 23]);
});

test('windows that begin late share what lies before both', () => {
  const late = (start: number) => ({
    pag: { ...PLAIN_PAG, window: { semantics: 'guider', start, stop: 1 } as const },
  });
  // PAG from step 4 on, then from step 3 on: behind the second.
  expect(rows(late(0.5), late(0.3))).toEqual([3 * 2 + 2 * 3, 3 * 3]);
});

test('of settings that cannot be followed there are none', () => {
  expect(rows({ layers: 'd9' }, {})).toEqual([null, 15]);
});
