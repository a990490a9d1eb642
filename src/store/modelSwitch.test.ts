// What a model brings and what stays the visitor's, over several switches.

import { expect, test } from 'vitest';
import { POCKET } from '../models/catalog';
import { USUAL_SD, USUAL_TURBO } from '../models/usualSettings';
import { DEFAULTS } from './settings';
import { putBack, readFromModel, switchUsual, without, type Brought } from './modelSwitch';

test('all that the last model brought gives way to the next one’s', () => {
  const { changes, fromModel, brought } = switchUsual(DEFAULTS, POCKET.usual, 'SD-Turbo', USUAL_TURBO);
  expect({ ...DEFAULTS, ...changes }).toEqual({ ...DEFAULTS, ...USUAL_TURBO });
  expect(fromModel).toEqual(USUAL_TURBO);
  // Sigmas and PAG scale are the same for both, so nothing is said of them.
  expect(brought?.set).toEqual({ steps: 4, guidanceScale: 1, layers: 'mid', scheduler: 'euler', spacing: 'trailing' });
  expect(brought?.before).toEqual({
    steps: 20,
    guidanceScale: DEFAULTS.guidanceScale,
    layers: POCKET.usual.layers,
    scheduler: 'ddim',
    spacing: 'model',
  });
  expect(brought?.kept).toEqual({});
});

test('what the visitor set stays, there and back', () => {
  const own = { ...DEFAULTS, steps: 4, pagScale: 2.5 };
  const there = switchUsual(own, POCKET.usual, 'SD-Turbo', USUAL_TURBO);
  expect(there.changes).not.toHaveProperty('steps');
  expect(there.changes).not.toHaveProperty('pagScale');
  expect(there.brought?.kept).toEqual({ pagScale: 1 });
  // 4 steps are SD-Turbo's as well, and still the visitor's.
  const back = switchUsual({ ...own, ...there.changes }, there.fromModel, 'Pocket', POCKET.usual);
  expect({ ...own, ...there.changes, ...back.changes }).toEqual(own);
  expect(back.brought?.kept).toEqual({ steps: 20, pagScale: 1 });
});

test('a setting that is put back is the visitor’s from then on', () => {
  const { changes, fromModel, brought } = switchUsual(DEFAULTS, POCKET.usual, 'SD-Turbo', USUAL_TURBO);
  const set = { ...DEFAULTS, ...changes };
  const undone = { ...set, ...putBack(set, brought as Brought) };
  expect(undone).toEqual(DEFAULTS);
  // What was changed again since is not touched.
  expect(putBack({ ...set, steps: 7 }, brought as Brought)).toEqual({
    guidanceScale: DEFAULTS.guidanceScale,
    layers: POCKET.usual.layers,
    scheduler: 'ddim',
    spacing: 'model',
  });
  const next = switchUsual(undone, without(fromModel, brought?.set ?? {}), 'SD 1.5', USUAL_SD);
  expect(next.changes).toEqual({ pagScale: 3, sigmas: 'karras' });
});

test('nothing is said where all is as the model has it', () => {
  expect(switchUsual({ ...DEFAULTS, ...USUAL_SD }, USUAL_SD, 'Another SD', USUAL_SD).brought).toBeNull();
});

test('what was stored comes back; damaged data is what the model brings', () => {
  const { steps, layers } = USUAL_TURBO;
  expect(readFromModel(JSON.stringify({ steps, layers, other: 1, scheduler: null }), USUAL_SD)).toEqual({
    steps,
    layers,
  });
  for (const stored of [null, 'null', '{', '5']) expect(readFromModel(stored, USUAL_SD)).toEqual(USUAL_SD);
});
