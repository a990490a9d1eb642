// What the page says of guidance, against the rows that are planned.

import { expect, test } from 'vitest';
import { planStep, rowGuidance } from '../../diffusion/guidance';
import { costText, predictionsText, sumText } from './guidanceWords';

test.each([
  [3, 2, false, 'ε̃ = ε_uncond + 3·(ε_cond − ε_uncond) + 2·(ε_cond − ε_perturbed)'],
  [1, 2, false, 'ε̃ = ε_cond + 2·(ε_cond − ε_perturbed)'],
  [3, 0, false, 'ε̃ = ε_uncond + 3·(ε_cond − ε_uncond)'],
  [8, 2, true, 'ε̃ = ε_cond(8) + 2·(ε_cond(8) − ε_perturbed)'],
  [8, 0, true, 'ε̃ = ε_cond(8)'],
])(
  'CFG %d and PAG %d, embedded %s: every prediction that is named is a row, and no other',
  (guidanceScale, pagScale, embedded, sum) => {
    const scales = { guidanceScale, pagScale };
    const { rows } = planStep([{ guidanceScale: rowGuidance(guidanceScale, embedded), pagScale }]);
    expect(sumText(scales, embedded)).toBe(sum);
    expect(new Set(sum.match(/ε_[a-z]+/g))).toEqual(
      new Set(rows.map(({ context, identity }) => (identity > 0 ? 'ε_perturbed' : `ε_${context}`))),
    );
    const text = predictionsText(scales, embedded);
    expect(text.includes('(uncond)')).toBe(rows.some(({ context }) => context === 'uncond'));
    expect(text.includes('(perturbed)')).toBe(rows.some(({ identity }) => identity > 0));
  },
);

test('a UNet that guides itself costs one forward less', () => {
  expect(costText(1, 16, 0.68, 8, false)).toContain('CFG and PAG cost 2.68 forwards a step.');
  expect(costText(1, 16, 0.68, 8, true)).toContain('PAG costs 1.68 forwards a step.');
});
