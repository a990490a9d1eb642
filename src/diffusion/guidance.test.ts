// Row plans against the published formula of PAG, on the reference inputs, and the properties that any
// right implementation has as far as they can be seen in rows and weights.

import { describe, expect, it } from 'vitest';
import { forkRows, planRows, planStep, type GuidanceSettings } from './guidance';
import type { Row, RowPlan } from './types';

const range = Array.from({ length: 64 }, (_, i) => i);
const uncond = range.map((i) => Math.sin(0.1 * i));
const cond = range.map((i) => Math.cos(0.13 * i));
const perturbed = range.map((i) => Math.sin(0.17 * i + 0.5));

const predict = (row: Row) => (row.identity > 0 ? perturbed : row.context === 'cond' ? cond : uncond);

/** Σᵣ weights[image][r]·εᵣ, in f64. */
function combine({ rows, weights }: RowPlan, image = 0): number[] {
  return range.map((i) => rows.reduce((sum, row, r) => sum + weights[image]![r]! * predict(row)[i]!, 0));
}

const rowName = ({ image, context, identity }: Row) => `${image} ${context} ${identity}`;

/** Equal in the seven decimals of the reference figures. */
function expectFigures(values: number[], figures: number[]): void {
  figures.forEach((figure, i) => expect(Math.abs(values[i]! - figure)).toBeLessThanOrEqual(6e-8));
}

describe('combining', () => {
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

  it('CFG and PAG together give the reference numbers', () => {
    const guided = combine(planStep([{ guidanceScale: 4, pagScale: 3 }]));
    expectFigures(guided, [5.5617234, 4.778475, 3.9347925, 3.0473073]);
    expectFigures(guided.slice(-1), [0.5727393]);
    expect(sum(guided)).toBeCloseTo(42.122759, 6);
    const mean = sum(guided) / 64;
    expect(Math.sqrt(sum(guided.map((v) => (v - mean) ** 2)) / 63)).toBeCloseTo(5.2404124, 6);
  });

  it('PAG without CFG gives the reference numbers', () => {
    const guided = combine(planStep([{ guidanceScale: 1, pagScale: 3 }]));
    expectFigures(guided, [2.5617234, 2.1032896, 1.6316306, 1.1591407]);
  });

  it('is the published formula, whatever the scales', () => {
    for (const [g, s] of [
      [1.01, 0.1],
      [7.5, 3],
      [2, 100],
      [30, -1],
    ] as const) {
      const guided = combine(planStep([{ guidanceScale: g, pagScale: s }]));
      range.forEach((i) => {
        const expected = uncond[i]! + g * (cond[i]! - uncond[i]!) + s * (cond[i]! - perturbed[i]!);
        expect(Math.abs(guided[i]! - expected)).toBeLessThanOrEqual(1e-12 * (Math.abs(g) + Math.abs(s)));
      });
    }
  });

  it('is affine in the PAG scale, and its weights always sum to 1', () => {
    const at = (pagScale: number) => planStep([{ guidanceScale: 5, pagScale }]);
    const [one, two, three] = [combine(at(1)), combine(at(2)), combine(at(3))];
    range.forEach((i) => expect(three[i]! - two[i]!).toBeCloseTo(two[i]! - one[i]!, 12));
    for (const s of [0, 0.1, 3, 100]) expect(sum([...at(s).weights[0]!])).toBeCloseTo(1, 12);
  });
});

describe('rows', () => {
  const plan = (guidanceScale: number, pagScale: number, identity?: number) =>
    planRows(identity === undefined ? { guidanceScale, pagScale } : { guidanceScale, pagScale, identity }, 0);

  it("come in diffusers' order, and none is run that is not needed", () => {
    expect(plan(4, 3).rows.map(rowName)).toEqual(['0 uncond 0', '0 cond 0', '0 cond 1']);
    expect(plan(4, 0).rows.map(rowName)).toEqual(['0 uncond 0', '0 cond 0']);
    expect(plan(1, 3).rows.map(rowName)).toEqual(['0 cond 0', '0 cond 1']);
    expect(plan(1, 0).rows.map(rowName)).toEqual(['0 cond 0']);
    expect(plan(4, 3, 0.5).rows.map(rowName)).toEqual(['0 uncond 0', '0 cond 0', '0 cond 0.5']);
  });

  it('CFG is on above 1 only', () => {
    for (const g of [-2, 0, 0.5, 1]) expect(plan(g, 3)).toEqual(plan(1, 3));
    expect(plan(1.0001, 3).rows).toHaveLength(3);
  });

  it('PAG scale 0, and identity 0, leave exactly the plan of CFG alone', () => {
    for (const g of [1, 1.1, 4, 7.3]) {
      for (const without of [plan(g, 0), plan(g, -0), plan(g, 3, 0)]) {
        expect(without).toEqual({
          rows: g > 1 ? plan(4, 3).rows.slice(0, 2) : plan(1, 3).rows.slice(0, 1),
          weights: g > 1 ? [1 - g, g] : [1],
        });
      }
    }
  });
});

describe('several images', () => {
  const images: GuidanceSettings[] = [
    { guidanceScale: 4, pagScale: 0 },
    { guidanceScale: 4, pagScale: 3 },
    { guidanceScale: 1, pagScale: 2, identity: 0.5 },
  ];

  it('lie after one another, and each weighs its own rows alone', () => {
    const { rows, weights } = planStep(images);
    expect(rows.map(rowName)).toEqual([
      '0 uncond 0',
      '0 cond 0',
      '1 uncond 0',
      '1 cond 0',
      '1 cond 1',
      '2 cond 0',
      '2 cond 0.5',
    ]);
    expect(weights).toEqual([
      [-3, 4, 0, 0, 0, 0, 0],
      [0, 0, -3, 7, -3, 0, 0],
      [0, 0, 0, 0, 0, 3, -2],
    ]);
  });

  it('have the predictions that they would have alone', () => {
    const together = planStep(images);
    images.forEach((settings, image) => {
      expect(combine(together, image)).toEqual(combine(planStep([settings])));
    });
  });

  it('fork at the site from one row for each image and context', () => {
    const { rows } = planStep(images);
    const { base, siteRows } = forkRows(rows);
    expect(base.map(rowName)).toEqual(['0 uncond 0', '0 cond 0', '1 uncond 0', '1 cond 0', '2 cond 0']);
    expect(siteRows).toEqual([
      { source: 0, identity: 0 },
      { source: 1, identity: 0 },
      { source: 2, identity: 0 },
      { source: 3, identity: 0 },
      { source: 3, identity: 1 },
      { source: 4, identity: 0 },
      { source: 4, identity: 0.5 },
    ]);
    siteRows.forEach(({ source, identity }, r) => expect({ ...base[source]!, identity }).toEqual(rows[r]));
  });

  it('fork nothing where nothing is perturbed, and everything from one row where only identities differ', () => {
    const plain = planStep([{ guidanceScale: 4, pagScale: 0 }]).rows;
    expect(forkRows(plain).base).toEqual(plain);
    const sweep: Row[] = [1, 0.5, 0].map((identity) => ({ image: 0, context: 'cond', identity }));
    expect(forkRows(sweep)).toEqual({
      base: [{ image: 0, context: 'cond', identity: 0 }],
      siteRows: [1, 0.5, 0].map((identity) => ({ source: 0, identity })),
    });
    expect(forkRows([])).toEqual({ base: [], siteRows: [] });
  });
});
