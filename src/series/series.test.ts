// A1111's grammar of axis values (its own results), axes over settings, and the cells that they make.

import { expect, test } from 'vitest';
import { INITIAL, type Settings } from '../settings/fields';
import { PLAIN_PAG, type PagOptions } from '../diffusion/options';
import { MOST_CELLS, planSeries, type AxisText } from './cells';
import { AXES } from './seriesAxes';
import { listItems, numbersOf } from './axisValues';

test.each([
  ['1-5', [1, 2, 3, 4, 5]],
  ['1-10 (+3)', [1, 4, 7, 10]],
  ['10-1 (-3)', [10, 7, 4]],
  ['1-10 [4]', [1, 4, 7, 10]],
  ['1-10[3]', [1, 5, 10]],
  ['-2-2', [-2, -1, 0, 1, 2]],
  ['5', [5]],
  ['5-1', []],
])('whole numbers: %s', (item, values) => {
  expect(numbersOf(item, true)).toEqual(values);
});

test.each([
  ['1-2 (+0.25)', [1, 1.25, 1.5, 1.75, 2]],
  ['0-0.3 (+0.1)', [0, 0.1, 0.2, 0.3]],
  ['1-2', [1, 2]],
  ['1-10 [4]', [1, 4, 7, 10]],
  ['0-1 [3]', [0, 0.5, 1]],
  ['.5', [0.5]],
])('numbers: %s', (item, values) => {
  expect(numbersOf(item, false)).toEqual(values);
});

test.each(['', 'x', '1-', '1-5 (3)', '1e999', 'NaN'])('no number: “%s”', (item) => {
  expect(numbersOf(item, false)).toBeNull();
});

test('lists are split at commas outside of quotes that begin an item, or at lines', () => {
  expect(listItems('a, b,,c ')).toEqual(['a', 'b', 'c']);
  expect(listItems('"a, b",c, "d ""e"""')).toEqual(['a, b', 'c', 'd "e"']);
  expect(listItems('a, b\nc')).toEqual(['a, b', 'c']);
  expect(listItems('  ')).toEqual([]);
});

const base: Settings = { ...INITIAL, prompt: 'a cat on a mat', negativePrompt: 'cat food' };
const where = ({ column, row }: { column: number; row: number }) => `${column},${row}`;

test('two axes make each cell once, with the settings of its column and its row', () => {
  const { columns, rows, cells } = planSeries(
    base,
    { name: 'pagScale', text: '0-3 [3]' },
    { name: 'words', text: 'cat, dog' },
  );
  expect([columns, rows]).toEqual([
    ['0', '1.5', '3'],
    ['cat', 'dog'],
  ]);
  expect(new Set(cells.map(where)).size).toBe(6);
  const cell = cells.find((one) => where(one) === '1,1')!;
  expect(cell.settings).toMatchObject({
    pagScale: 1.5,
    prompt: 'a dog on a mat',
    negativePrompt: 'dog food',
    compare: false,
  });
});

test('what is dear to change changes least often, whichever axis it is', () => {
  const [layers, scales] = [{ name: 'layers', text: 'mid, up' } as const, { name: 'pagScale', text: '1-3' } as const];
  const order = (one: readonly { settings: Settings }[]) => one.map(({ settings }) => settings.layers);
  const expected = ['mid', 'mid', 'mid', 'up', 'up', 'up'];
  expect(order(planSeries(base, layers, scales).cells)).toEqual(expected);
  expect(order(planSeries(base, scales, layers).cells)).toEqual(expected);
});

test('cells are compared where the image without PAG is the same for all of them', () => {
  const compares = (...axes: Parameters<typeof planSeries> extends [unknown, ...infer A] ? A : never) =>
    planSeries({ ...base, compare: true }, ...axes).cells.map(({ settings }) => settings.compare);
  const scales = { name: 'pagScale', text: '1-2' } as const;
  expect(compares(scales, { name: 'layers', text: 'mid' })).toEqual([true, true]);
  expect(compares(scales, { name: 'seed', text: '7' })).toEqual([false, false]);
  expect(compares({ name: 'seed', text: '7' }, null)).toEqual([false]);
});

test('sizes are width and height', () => {
  const { columns, cells } = planSeries(base, { name: 'size', text: '512x768, 64 × 64' }, null);
  expect(columns).toEqual(['512×768', '64×64']);
  expect(cells.map(({ settings: { width, height } }) => [width, height])).toEqual([
    [512, 768],
    [64, 64],
  ]);
});

test('schedulers are named as the page names them', () => {
  const { cells } = planSeries(base, { name: 'scheduler', text: 'ddim, EULER' }, null);
  expect(cells.map(({ settings }) => settings.scheduler)).toEqual(['ddim', 'euler']);
});

const settingsOf = (name: AxisText['name'], text: string, changes: Partial<Settings> = {}) =>
  planSeries({ ...base, ...changes }, { name, text }, null).cells.map(({ settings }) => settings);
const pag = (changes: Partial<PagOptions>) => ({ pag: { ...PLAIN_PAG, ...changes } });

test('PAG’s options are changed one at a time, in the words that the settings have', () => {
  const options = (...given: Parameters<typeof settingsOf>) => settingsOf(...given).map((settings) => settings.pag);
  expect(options('adaptive', '0, 0.1')).toMatchObject([{ adaptive: { amount: 0 } }, { adaptive: { amount: 0.1 } }]);
  expect(options('windowStart', '0.25')).toMatchObject([{ window: { semantics: 'forge', start: 0.25, stop: 1 } }]);
  const steps = pag({ window: { semantics: 'steps', start: 2, stop: 9 } });
  expect(options('windowStop', '4-6', steps).map(({ window }) => window)).toEqual(
    [4, 5, 6].map((stop) => ({ semantics: 'steps', start: 2, stop })),
  );
  expect(() => options('windowStop', '0.5', steps)).toThrow(/no whole number/);
  expect(options('rescale', '0.5')).toMatchObject([{ rescale: { mode: 'full', amount: 0.5 } }]);
  const partial = pag({ rescale: { mode: 'partial', amount: 1 } });
  expect(options('rescale', '0.5', partial)).toMatchObject([{ rescale: { mode: 'partial', amount: 0.5 } }]);
  expect(options('attenuation', '5')).toMatchObject([{ attenuation: 5 }]);
  expect(options('guidanceRescale', '0.7')).toMatchObject([{ guidanceRescale: 0.7 }]);
  expect(AXES.guidanceRescale.ofPag).toBe(false);
  const both = planSeries(base, { name: 'windowStart', text: '0.5' }, { name: 'windowStop', text: '0.75' });
  expect(both.cells[0]?.settings.pag.window).toEqual({ semantics: 'forge', start: 0.5, stop: 0.75 });
});

test('LoRA weights stand in their tags: of all, or of one by its name', () => {
  const prompt = 'a cat <lora:ink:1> <lyco:fur (v2):te=0.5>';
  const prompts = (text: string) => settingsOf('loraWeight', text, { prompt }).map((settings) => settings.prompt);
  expect(prompts('0, 0.5')).toEqual([
    'a cat <lora:ink:0> <lora:fur (v2):0>',
    'a cat <lora:ink:0.5> <lora:fur (v2):0.5>',
  ]);
  expect(prompts('fur (v2): -1-1 [2]')).toEqual([
    'a cat <lora:ink:1> <lora:fur (v2):-1>',
    'a cat <lora:ink:1> <lora:fur (v2):1>',
  ]);
  expect(() => prompts('snow: 1')).toThrow(/“snow” is none of the LoRA in use: ink, fur/);
  expect(() => settingsOf('loraWeight', '1')).toThrow(/No LoRA is in use/);
});

test('choices and numbers of the settings are axes', () => {
  expect(settingsOf('strength', '0.2-0.6 [3]').map(({ strength }) => strength)).toEqual([0.2, 0.4, 0.6]);
  expect(settingsOf('noiseSource', 'gpu, CPU').map(({ noiseSource }) => noiseSource)).toEqual(['gpu', 'cpu']);
  expect(settingsOf('spacing', 'Trailing').map(({ spacing }) => spacing)).toEqual(['trailing']);
});

test.each([
  ['pagScale', 'a lot', /PAG scale: “a lot” is no number/],
  ['pagScale', '101', /PAG scale: 101: A number from 0 to 100/],
  ['steps', '1.5', /no whole number/],
  ['steps', '', /Values are missing/],
  ['scheduler', 'Euler, fastest', /“fastest” is not one of/],
  ['words', 'owl, dog', /“owl” is in neither prompt/],
  ['identity', '2', /from 0 to 1/],
  ['size', '512', /“512” is no size/],
  ['size', '512x99999999', /Size: 512x99999999: /],
  ['adaptive', '2', /Adaptive scale: 2: A number from 0 to 1/],
  ['windowStart', '3', /PAG from: 3: A number from 0 to 1/],
  ['strength', '1.5', /Strength: 1.5: A number from 0 to 1/],
  ['seed', `1-${MOST_CELLS + 1}`, /too many/],
] as const)('%s: %s is refused in words', (name, text, why) => {
  expect(() => planSeries(base, { name, text }, null)).toThrow(why);
});

test('an axis stands once', () => {
  const axis = { name: 'seed', text: '1-2' } as const;
  expect(() => planSeries(base, axis, axis)).toThrow(/two axes are the same/);
});
